"""Clinicians' accounts: made by an operator, proved by password, locked after failures in a row."""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.access.passwords import PasswordUnfit, hash_password, password_matches
from services.audit.actions import Action
from services.ids import new_id
from services.store import Acting, Store, Transaction, credentials
from services.store.rows import ClinicianRow

# Source: NIST SP 800-63B-4 §3.2.2 asks for a limit on failures in a row; five, then a wait that
# doubles from one minute to at most an hour, keeps a guesser to about 30 tries a day.
FREE_FAILURES = 5
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)


class AccountRefused(ValueError):
    """The account cannot be made as asked. The message says what to change."""


class PasswordWrong(PermissionError):
    """The name or the password is wrong; which of the two is not said."""


@dataclass(eq=False)
class TooManyFailures(Exception):
    """Too many failures in a row: wait `seconds`."""

    seconds: int


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Who is to get an account. `cover`: the user name of who acts while they are away."""

    username: str
    display_name: str
    role: str
    cover: str | None
    password: str


SYSTEM = Acting("system", "clinician_app", None)


async def create_account(store: Store, account: NewAccount, *, now: datetime) -> str:
    """Make the account and return the clinician's id.

    Raises:
        AccountRefused: the name is taken, the cover is unknown, or the password is unfit.
    """
    try:
        password_hash = await asyncio.to_thread(hash_password, account.password)
    except PasswordUnfit as err:
        raise AccountRefused(f"password: {err}") from err
    async with store.transaction(SYSTEM) as tx:
        if await credentials.clinician_by_username(tx, account.username) is not None:
            raise AccountRefused(f"the user name {account.username} is taken")
        clinician_id = new_id()
        row = ClinicianRow(
            clinician_id=clinician_id,
            username=account.username,
            password_hash=password_hash,
            display_name=account.display_name,
            roles=frozenset({account.role}),
            cover_clinician_id=await _cover_id(tx, account.cover),
            active=True,
            away_until=None,
        )
        await credentials.add_clinician(tx, row, now=now)
    return clinician_id


async def set_away(store: Store, username: str, until: datetime, *, now: datetime) -> None:
    """Let who covers see this clinician's patients and get their pages; a past `until` ends it.

    Raises:
        AccountRefused: there is no such account.
    """
    async with store.transaction(SYSTEM) as tx:
        found = await credentials.clinician_by_username(tx, username)
        if found is None:
            raise AccountRefused(f"there is no user {username}")
        await credentials.change_clinician(tx, replace(found, away_until=until), now=now)


class Passwords:
    """Checks passwords, one at a time: argon2 takes 64 MiB and a core for a moment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Semaphore(1)

    async def sign_in(self, username: str, password: str, *, now: datetime) -> ClinicianRow:
        """Return whose user name and password these are.

        Raises:
            TooManyFailures: not even looked at. PasswordWrong: no such pair, or not active.
        """
        return await self._prove(
            username, await self._named(username), password, Action.SIGNED_IN, now=now
        )

    async def prove_other(self, username: str, password: str, *, now: datetime) -> ClinicianRow:
        """Return another clinician, who signs beside the one at the desk and opens no session.

        Raises:
            TooManyFailures, PasswordWrong: as for sign-in, and counted together with it.
        """
        return await self._prove(username, await self._named(username), password, None, now=now)

    async def prove_again(self, clinician_id: str, password: str, *, now: datetime) -> ClinicianRow:
        """Return the clinician, whose password this is: signing asks again (21 CFR 11.200).

        Raises:
            TooManyFailures, PasswordWrong: as for sign-in, and counted together with it.
        """
        async with self._store.transaction(SYSTEM) as tx:
            found = await credentials.clinician(tx, clinician_id)
        return await self._prove(found.username, found, password, None, now=now)

    async def _named(self, username: str) -> ClinicianRow | None:
        async with self._store.transaction(SYSTEM) as tx:
            return await credentials.clinician_by_username(tx, username)

    async def _prove(
        self,
        username: str,
        found: ClinicianRow | None,
        password: str,
        success: Action | None,
        *,
        now: datetime,
    ) -> ClinicianRow:
        name_hash = hashlib.sha256(f"sign-in/v1\n{username}".encode()).hexdigest()
        stored = None if found is None or not found.active else found.password_hash
        # The turn covers the count as well: guesses sent at once would all see the old one.
        async with self._turn:
            await self._refuse_while_locked(name_hash, now=now)
            if not await asyncio.to_thread(password_matches, stored, password) or found is None:
                await self._note_failure(name_hash, found, now=now)
                raise PasswordWrong
            await self._note_success(name_hash, found, success, now=now)
        return found

    async def _refuse_while_locked(self, name_hash: str, *, now: datetime) -> None:
        async with self._store.transaction(SYSTEM) as tx:
            failures, last_at = await credentials.failures(tx, name_hash)
        wait = wait_after(failures)
        if last_at is not None and now < last_at + wait:
            raise TooManyFailures(int((last_at + wait - now).total_seconds()) + 1)

    async def _note_failure(
        self, name_hash: str, found: ClinicianRow | None, *, now: datetime
    ) -> None:
        """One event a failure; the name that was tried may be a password typed in its place."""
        async with self._store.transaction(SYSTEM) as tx:
            count = await credentials.count_failure(tx, name_hash, now=now)
            subject = new_id() if found is None else found.clinician_id
            await tx.event(
                Action.SIGN_IN_FAILED,
                now=now,
                subject_type="Clinician",
                subject_id=subject,
                outcome="refused",
                details=(("failures", count), ("known", found is not None)),
            )

    async def _note_success(
        self, name_hash: str, found: ClinicianRow, success: Action | None, *, now: datetime
    ) -> None:
        async with self._store.transaction(Acting("clinician", found.clinician_id, None)) as tx:
            await credentials.clear_failures(tx, name_hash)
            if success is not None:
                await tx.event(
                    success, now=now, subject_type="Clinician", subject_id=found.clinician_id
                )


def wait_after(failures: int) -> timedelta:
    """Return how long a name stays locked after this many failures in a row."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    doublings = 1 << min(failures - FREE_FAILURES, 10)
    return min(FIRST_WAIT * doublings, LONGEST_WAIT)


async def _cover_id(tx: Transaction, username: str | None) -> str | None:
    if username is None:
        return None
    found = await credentials.clinician_by_username(tx, username)
    if found is None:
        raise AccountRefused(f"there is no clinician with the user name {username}")
    return found.clinician_id
