"""Notify: how a person is reached. SMTP, a webhook, or a file; the text holds no health data."""

import asyncio
import json
import smtplib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from services.metrics import PAGES
from services.settings import Settings

SEND_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Notice:
    """A message for one person: who, how urgent, and an opaque reference to look up."""

    recipient_id: str
    recipient_address: str
    urgency: str
    reference: str
    sent_at: datetime

    @property
    def text(self) -> str:
        """What is sent. A push or a mail may be read by others, so it names no finding."""
        return f"ClinAIOps: {self.urgency} item {self.reference} needs you. Open the dashboard."


class NotReached(RuntimeError):
    """No channel took the message: try the next person on the ladder, and alert the operator."""


class Channel(Protocol):
    """One way to reach a person."""

    @property
    def name(self) -> str:
        """Short name for metrics."""
        ...

    async def send(self, notice: Notice) -> None:
        """Hand the message over; return only when the channel has taken it.

        Raises:
            OSError, httpx.HTTPError, smtplib.SMTPException: it was not taken.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileChannel:
    """Appends to a file: the demo's channel, and the record beside the others."""

    path: Path
    name: str = "file"

    async def send(self, notice: Notice) -> None:
        """Append one JSON line."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({**asdict(notice), "sent_at": notice.sent_at.isoformat()})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Posts JSON to a paging service."""

    url: str
    name: str = "webhook"

    async def send(self, notice: Notice) -> None:
        """Post the notice; any status but 2xx counts as not taken."""
        async with httpx.AsyncClient(timeout=SEND_TIMEOUT_S) as client:
            body = {
                "recipient": notice.recipient_id,
                "urgency": notice.urgency,
                "reference": notice.reference,
                "text": notice.text,
            }
            (await client.post(self.url, json=body)).raise_for_status()


@dataclass(frozen=True, slots=True)
class MailChannel:
    """Sends mail through an SMTP server: smtp://user:password@host:port?from=address."""

    url: str
    name: str = "smtp"

    async def send(self, notice: Notice) -> None:
        """Send one mail; SMTP blocks, so it runs in a thread."""
        await asyncio.to_thread(self._send, notice)

    def _send(self, notice: Notice) -> None:
        parts = urlsplit(self.url)
        message = EmailMessage()
        message["From"] = parts.query.removeprefix("from=") or "clinaiops@localhost"
        message["To"] = notice.recipient_address
        message["Subject"] = f"ClinAIOps: {notice.urgency}"
        message.set_content(notice.text)
        with smtplib.SMTP(parts.hostname or "", parts.port or 25, timeout=SEND_TIMEOUT_S) as server:
            if parts.scheme == "smtp+tls":
                server.starttls()
            if parts.username and parts.password:
                server.login(parts.username, parts.password)
            server.send_message(message)


class People:
    """Sends one notice through every channel that is set up; one that takes it is enough."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = tuple(channels)
        for channel in channels:
            # A series that begins at one shows no increase, and so no alert, the first time.
            for result in ("taken", "failed"):
                PAGES.labels(channel.name, result)

    async def reach(self, notice: Notice) -> None:
        """Send through every channel.

        Raises:
            NotReached: no channel took it.
        """
        taken = [await self._try(channel, notice) for channel in self._channels]
        if not any(taken):
            raise NotReached(notice.reference)

    async def _try(self, channel: Channel, notice: Notice) -> bool:
        try:
            await channel.send(notice)
        except (OSError, httpx.HTTPError, smtplib.SMTPException):
            # One broken channel must not keep the others from being tried.
            PAGES.labels(channel.name, "failed").inc()
            return False
        PAGES.labels(channel.name, "taken").inc()
        return True


def people(settings: Settings) -> People:
    """Return the channels that the settings name.

    The file channel stands in only where no real channel is set up: beside a real one it would
    count as "taken" and hide that nobody was reached.
    """
    channels: list[Channel] = []
    if settings.smtp_url is not None:
        channels.append(MailChannel(settings.smtp_url))
    if settings.webhook_url is not None:
        channels.append(WebhookChannel(settings.webhook_url))
    return People(channels or [FileChannel(settings.home / "notices" / "pages.ndjson")])
