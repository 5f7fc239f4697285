"""Log lines as JSON with allow-listed fields only: what is not on the list is not written."""

import json
import logging
from datetime import UTC, datetime

ALLOWED_FIELDS = (
    "method",
    "route",
    "status",
    "duration_ms",
    "request_id",
    "error_type",
    "where",
    "port",
)


class AllowListedJson(logging.Formatter):
    """One JSON object a line. A traceback becomes the error's type: its message may hold values."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.msg if isinstance(record.msg, str) else type(record.msg).__name__,
        }
        for name in ALLOWED_FIELDS:
            if name in record.__dict__:
                line[name] = record.__dict__[name]
        if record.exc_info is not None and record.exc_info[0] is not None:
            line["error_type"] = record.exc_info[0].__name__
        return json.dumps(line)


def log_as_json(level: int = logging.INFO) -> None:
    """Send every logger of this process through the allow-list, to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(AllowListedJson())
    logging.basicConfig(level=level, handlers=[handler], force=True)
