"""The witness over HTTP, as C2SP tlog-witness has it: the server, and the sealer's client for it.

`POST /add-checkpoint` takes `old N`, the consistency proof, a blank line and the checkpoint; it
answers with the cosignature line. A refusal never looks like an outage: each has its status.
"""

import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from compliance import witness
from compliance.witness import Growth, StaleRequest, Witness, WitnessRefusal
from services.audit import notes
from services.audit.merkle import HASH_BYTES
from services.audit.notes import MalformedNote, NoteSignature

REQUEST_BYTES_LIMIT: Final = 64 * 1024
CLIENT_TIMEOUT_S: Final = 10.0
# Source: C2SP tlog-witness, responses of add-checkpoint.
STATUS: Final[dict[type[WitnessRefusal], HTTPStatus]] = {
    witness.UnknownLog: HTTPStatus.FORBIDDEN,
    witness.Rollback: HTTPStatus.BAD_REQUEST,
    witness.Fork: HTTPStatus.UNPROCESSABLE_ENTITY,
    witness.ClockWentBack: HTTPStatus.SERVICE_UNAVAILABLE,
}


class WitnessUnreachable(RuntimeError):
    """The witness gave no answer. Try again; the number of unwitnessed leaves grows meanwhile."""


def format_request(checkpoint_note: bytes, growth: Growth) -> bytes:
    """Return the body of add-checkpoint."""
    hashes = "".join(f"{notes.encode_base64(value)}\n" for value in growth.hashes)
    return f"old {growth.old_size}\n{hashes}\n".encode() + checkpoint_note


def parse_request(body: bytes) -> tuple[bytes, Growth]:
    """Return the checkpoint note and the proof. Raises: MalformedNote for any other form."""
    head, blank, checkpoint_note = body.partition(b"\n\n")
    lines = head.decode("ascii", errors="replace").split("\n")
    if not blank or not lines[0].startswith("old "):
        raise MalformedNote("not an add-checkpoint request")
    hashes = tuple(notes.decode_base64(line) for line in lines[1:])
    if any(len(value) != HASH_BYTES for value in hashes):
        raise MalformedNote("proof hash is not 32 bytes")
    return checkpoint_note, Growth(notes.decimal(lines[0].removeprefix("old ")), hashes)


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness; `now` is asked at each cosigning."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], own: Witness, now: Callable[[], datetime]) -> None:
        super().__init__(address, _Handler)
        self.witness = own
        self.now = now


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer

    def do_GET(self) -> None:
        """The latest cosigned checkpoint, for auditors to hold; and the health check."""
        if self.path == "/checkpoint":
            self._answer(HTTPStatus.OK, self.server.witness.latest())
        elif self.path == "/healthz":
            self._answer(HTTPStatus.OK, b"ok\n")
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"no such page\n")

    def do_POST(self) -> None:
        """Cosign a checkpoint, or say why not."""
        length = self.headers.get("Content-Length", "")
        if self.path != "/add-checkpoint":
            self._answer(HTTPStatus.NOT_FOUND, b"no such page\n")
        elif not length.isdecimal() or int(length) > REQUEST_BYTES_LIMIT:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"too long\n")
        else:
            self._answer(*self._cosign(self.rfile.read(int(length))))

    def _cosign(self, body: bytes) -> tuple[HTTPStatus, bytes]:
        try:
            checkpoint_note, growth = parse_request(body)
            line = self.server.witness.cosign(checkpoint_note, growth, now=self.server.now())
        except MalformedNote as err:
            return HTTPStatus.BAD_REQUEST, f"{err}\n".encode()
        except StaleRequest as err:
            return HTTPStatus.CONFLICT, f"{err.size}\n".encode()
        except WitnessRefusal as err:
            return STATUS[type(err)], f"{err}\n".encode()
        return HTTPStatus.OK, line.line().encode()

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the sealer logs what it asked and what it got."""


def ask(url: str, checkpoint_note: bytes, growth: Growth) -> NoteSignature:
    """Return the witness's cosignature over the checkpoint.

    Raises:
        StaleRequest: ask again with a proof from the size that it names.
        WitnessRefusal: the witness saw a rollback, a fork or another log: page someone.
        WitnessUnreachable: no answer.
    """
    request = urllib.request.Request(
        f"{url}/add-checkpoint", data=format_request(checkpoint_note, growth)
    )
    try:
        with urllib.request.urlopen(request, timeout=CLIENT_TIMEOUT_S) as answer:
            return notes.parse_signature(answer.read().decode())
    except urllib.error.HTTPError as err:
        raise _refusal(err) from err
    except (urllib.error.URLError, TimeoutError, ConnectionError) as err:
        raise WitnessUnreachable(str(err)) from err


def _refusal(err: urllib.error.HTTPError) -> Exception:
    text = err.read().decode(errors="replace").strip()
    if err.code == HTTPStatus.CONFLICT:
        return StaleRequest(notes.decimal(text))
    for kind, status in STATUS.items():
        if err.code == status:
            return kind(text)
    return WitnessUnreachable(f"status {err.code}")
