import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from services.notify import FileChannel, MailChannel, Notice, NotReached, People, WebhookChannel
from services.notify import people as people_of
from services.settings import load

NOTICE = Notice(
    recipient_id="clinician-1",
    recipient_address="first@clinic.example",
    urgency="same_day",
    reference="alarm-7",
    sent_at=datetime(2026, 1, 2, tzinfo=UTC),
)


class _Hook(BaseHTTPRequestHandler):
    status = 200
    bodies: list[dict[str, str]]

    def do_POST(self) -> None:
        type(self).bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


class _MailServer(socketserver.StreamRequestHandler):
    """The few verbs of SMTP that a client needs to hand over one mail."""

    mails: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                type(self).mails.append(b"".join(lines).decode())
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def hook(status: int) -> tuple[HTTPServer, type[_Hook]]:
    handler = type("Hook", (_Hook,), {"status": status, "bodies": []})
    return HTTPServer(("127.0.0.1", 0), handler), handler


async def test_a_webhook_gets_reference_and_urgency_and_no_finding() -> None:
    server, handler = hook(200)
    with serving(server):
        await WebhookChannel(f"http://127.0.0.1:{server.server_port}/").send(NOTICE)
    assert handler.bodies[0]["reference"] == "alarm-7"
    assert set(handler.bodies[0]) == {"recipient", "urgency", "reference", "text"}


async def test_a_mail_is_handed_over() -> None:
    handler: type[_MailServer] = type("Mail", (_MailServer,), {"mails": []})
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    port = server.server_address[1]
    with serving(server):
        await MailChannel(f"smtp://127.0.0.1:{port}?from=loops@clinic.example").send(NOTICE)
    assert "To: first@clinic.example" in handler.mails[0]
    assert "From: loops@clinic.example" in handler.mails[0]
    assert "alarm-7" in handler.mails[0]


async def test_one_channel_that_takes_it_is_enough(tmp_path: Path) -> None:
    server, _ = hook(500)
    with serving(server):
        broken = WebhookChannel(f"http://127.0.0.1:{server.server_port}/")
        await People([broken, FileChannel(tmp_path / "pages.ndjson")]).reach(NOTICE)
    assert json.loads((tmp_path / "pages.ndjson").read_text())["reference"] == "alarm-7"


async def test_when_nobody_takes_it_that_is_an_error() -> None:
    server, _ = hook(503)
    with serving(server):
        broken = WebhookChannel(f"http://127.0.0.1:{server.server_port}/")
        with pytest.raises(NotReached, match="alarm-7"):
            await People([broken]).reach(NOTICE)


async def test_beside_a_real_channel_the_file_never_counts_as_reached(tmp_path: Path) -> None:
    server, _ = hook(503)
    with serving(server):
        url = f"http://127.0.0.1:{server.server_port}/"
        settings = replace(load(), home=tmp_path, webhook_url=url)
        with pytest.raises(NotReached):
            await people_of(settings).reach(NOTICE)


async def test_without_a_real_channel_the_file_takes_it(tmp_path: Path) -> None:
    settings = replace(load(), home=tmp_path, webhook_url=None, smtp_url=None)
    await people_of(settings).reach(NOTICE)
    assert (tmp_path / "notices" / "pages.ndjson").exists()
