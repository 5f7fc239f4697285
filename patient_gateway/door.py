"""What the gateway holds for its whole life: the record, the loops, keys, limits, a clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services import clock
from services.access.limits import ADDRESS_RATE, DEVICE_RATE, Rate, RateLimiter
from services.access.tokens import (
    AUDIENCE_GATEWAY,
    ISSUER_CLINICIAN,
    ISSUER_GATEWAY,
    TokenVerifier,
)
from services.loop_results import Answer
from services.settings import Settings
from services.store import Store


class Answered(Protocol):
    """What became of an answer to advice: `status` says it, in the loops' own words."""

    @property
    def status(self) -> str: ...

    @property
    def order_ids(self) -> tuple[str, ...]: ...

    @property
    def reasons(self) -> tuple[str, ...]: ...


class Loops(Protocol):
    """The one thing that the gateway must ask of the loops and wait for.

    Everything else reaches them through the outbox, so that it survives their absence.
    """

    async def answer_advice(
        self, patient_id: str, advice_id: str, answer: Answer, update_id: str
    ) -> Answered:
        """Give the patient's answer to their loop; return when it was carried out or refused.

        The same `update_id` again gives the same result.
        """
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a device, and an address without a token, may ask."""

    device: Rate = DEVICE_RATE
    address: Rate = ADDRESS_RATE


@dataclass(frozen=True, slots=True)
class Door:
    """One gateway process."""

    settings: Settings
    store: Store
    loops: Loops
    verifier: TokenVerifier
    signing_key_pem: bytes
    devices: RateLimiter
    addresses: RateLimiter
    now: Callable[[], datetime] = field(default=clock.now)


def open_door(
    settings: Settings,
    store: Store,
    loops: Loops,
    *,
    limits: Limits | None = None,
    now: Callable[[], datetime] = clock.now,
) -> Door:
    """Return the door with its keys read from the secrets. Raises: SettingsError."""
    limits = limits or Limits()
    keys = {
        ISSUER_GATEWAY: settings.secret("token_gateway.pub"),
        ISSUER_CLINICIAN: settings.secret("token_clinician.pub"),
    }
    return Door(
        settings=settings,
        store=store,
        loops=loops,
        verifier=TokenVerifier(keys, audience=AUDIENCE_GATEWAY),
        signing_key_pem=settings.secret("token_gateway.pem"),
        devices=RateLimiter(limits.device),
        addresses=RateLimiter(limits.address),
        now=now,
    )
