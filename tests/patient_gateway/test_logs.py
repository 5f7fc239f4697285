"""Log lines hold allow-listed fields; a traceback's message is not one of them."""

import json
import logging
import sys

from patient_gateway.logs import AllowListedJson


def record(**extra: object) -> logging.LogRecord:
    made = logging.LogRecord("x", logging.INFO, "f.py", 1, "request", (), None)
    made.__dict__.update(extra)
    return made


def test_allowed_fields_are_written_and_others_are_not() -> None:
    line = json.loads(AllowListedJson().format(record(route="/v1/plan", name_of_patient="Ada")))
    assert line["route"] == "/v1/plan" and line["event"] == "request"
    assert "Ada" not in json.dumps(line)


def test_arguments_of_a_message_are_not_written() -> None:
    made = logging.LogRecord("x", logging.INFO, "f.py", 1, "stored %s", ("Ada",), None)
    assert "Ada" not in AllowListedJson().format(made)


def test_an_exceptions_message_is_not_written() -> None:
    try:
        raise ValueError("Ada")
    except ValueError:
        made = logging.LogRecord("x", logging.ERROR, "f.py", 1, "failed", (), sys.exc_info())
    line = AllowListedJson().format(made)
    assert "Ada" not in line and json.loads(line)["error_type"] == "ValueError"
