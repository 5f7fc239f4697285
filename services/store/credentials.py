"""Accounts, devices, enrolment codes, refresh tokens and failed sign-ins. Hashes only."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.audit.actions import Action
from services.store.errors import NotInRecord
from services.store.rows import ClinicianRow, DeviceRow, RefreshRow
from services.store.tables.people import (
    CLINICIANS,
    DEVICES,
    ENROLMENT_CODES,
    REFRESH_TOKENS,
    REVOKED_TOKENS,
    SIGN_IN_FAILURES,
)
from services.store.transaction import Transaction


async def add_clinician(tx: Transaction, clinician: ClinicianRow, *, now: datetime) -> None:
    """Create an account. Raises: sqlalchemy.exc.IntegrityError when the username is taken."""
    await tx.session.execute(
        insert(CLINICIANS).values(
            clinician_id=clinician.clinician_id,
            username=clinician.username,
            password_hash=clinician.password_hash,
            display_name=clinician.display_name,
            roles=sorted(clinician.roles),
            cover_clinician_id=clinician.cover_clinician_id,
            active=clinician.active,
            away_until=clinician.away_until,
            created_at=now,
        )
    )
    await _changed(tx, clinician.clinician_id, now=now)


async def clinician_by_username(tx: Transaction, username: str) -> ClinicianRow | None:
    """Return the account of this name, active or not."""
    return await _clinician(tx, CLINICIANS.c.username == username)


async def clinician(tx: Transaction, clinician_id: str) -> ClinicianRow:
    """Return one account. Raises: NotInRecord."""
    found = await _clinician(tx, CLINICIANS.c.clinician_id == clinician_id)
    if found is None:
        raise NotInRecord(f"no clinician {clinician_id}")
    return found


async def is_active(tx: Transaction, clinician_id: str) -> bool:
    """Return whether this account may be used; an unknown one may not."""
    found = await _clinician(tx, CLINICIANS.c.clinician_id == clinician_id)
    return found is not None and found.active


async def is_closed(tx: Transaction, clinician_id: str) -> bool:
    """Return whether this account is here and may not be used any more."""
    found = await _clinician(tx, CLINICIANS.c.clinician_id == clinician_id)
    return found is not None and not found.active


async def clinicians(tx: Transaction) -> tuple[ClinicianRow, ...]:
    """Return every account, by username."""
    rows = (await tx.session.execute(select(CLINICIANS).order_by(CLINICIANS.c.username))).all()
    return tuple(_clinician_row(row) for row in rows)


async def change_clinician(tx: Transaction, changed: ClinicianRow, *, now: datetime) -> None:
    """Replace what may change of an account, the password hash included. Raises: NotInRecord."""
    statement = (
        update(CLINICIANS)
        .where(CLINICIANS.c.clinician_id == changed.clinician_id)
        .values(
            password_hash=changed.password_hash,
            display_name=changed.display_name,
            roles=sorted(changed.roles),
            cover_clinician_id=changed.cover_clinician_id,
            active=changed.active,
            away_until=changed.away_until,
        )
        .returning(CLINICIANS.c.clinician_id)
    )
    if (await tx.session.execute(statement)).first() is None:
        raise NotInRecord(f"no clinician {changed.clinician_id}")
    await _changed(tx, changed.clinician_id, now=now)


async def issue_code(
    tx: Transaction, patient_id: str, code_hash: str, *, expires_at: datetime, now: datetime
) -> None:
    """Keep the hash of a single-use enrolment code."""
    await tx.session.execute(
        insert(ENROLMENT_CODES).values(
            code_hash=code_hash, patient_id=patient_id, issued_at=now, expires_at=expires_at
        )
    )


async def use_code(tx: Transaction, code_hash: str, *, now: datetime) -> str | None:
    """Spend a code and return its patient id; None when unknown, spent or expired."""
    codes = ENROLMENT_CODES.c
    statement = (
        update(ENROLMENT_CODES)
        .where(codes.code_hash == code_hash, codes.used_at.is_(None), codes.expires_at > now)
        .values(used_at=now)
        .returning(codes.patient_id)
    )
    found: str | None = (await tx.session.execute(statement)).scalar()
    return found


async def add_device(tx: Transaction, device: DeviceRow, *, now: datetime) -> None:
    """Enrol a device for the bound patient."""
    await tx.session.execute(
        insert(DEVICES).values(
            device_id=device.device_id,
            patient_id=device.patient_id,
            model=device.model,
            firmware=device.firmware,
            validated=device.validated,
            cuff_fits=device.cuff_fits,
            enrolled_at=device.enrolled_at,
            revoked_at=device.revoked_at,
        )
    )
    await tx.event(
        Action.DEVICE_ENROLLED,
        now=now,
        subject_type="Device",
        subject_id=device.device_id,
        patient_id=device.patient_id,
    )


async def device(tx: Transaction, device_id: str) -> DeviceRow | None:
    """Return a device of a patient that the transaction is bound to."""
    statement = select(DEVICES).where(DEVICES.c.device_id == device_id)
    row = (await tx.session.execute(statement)).first()
    return None if row is None else DeviceRow(*row)


async def devices(tx: Transaction, patient_id: str) -> tuple[DeviceRow, ...]:
    """Return the patient's devices, oldest first."""
    statement = (
        select(DEVICES).where(DEVICES.c.patient_id == patient_id).order_by(DEVICES.c.enrolled_at)
    )
    return tuple(DeviceRow(*row) for row in (await tx.session.execute(statement)).all())


async def revoke_device(tx: Transaction, device_id: str, *, now: datetime) -> None:
    """End a device; revoked before: nothing happens."""
    statement = (
        update(DEVICES)
        .where(DEVICES.c.device_id == device_id, DEVICES.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(DEVICES.c.patient_id)
    )
    patient_id = (await tx.session.execute(statement)).scalar()
    if patient_id is not None:
        await tx.event(
            Action.DEVICE_REVOKED,
            now=now,
            subject_type="Device",
            subject_id=device_id,
            patient_id=patient_id,
        )


async def add_refresh(tx: Transaction, token: RefreshRow) -> None:
    """Keep the hash of a refresh token that was just issued."""
    await tx.session.execute(
        insert(REFRESH_TOKENS).values(
            token_hash=token.token_hash,
            family_id=token.family_id,
            holder_id=token.holder_id,
            patient_id=token.patient_id,
            issued_at=token.issued_at,
            expires_at=token.expires_at,
            used_at=token.used_at,
            revoked_at=token.revoked_at,
        )
    )


async def refresh(tx: Transaction, token_hash: str) -> RefreshRow | None:
    """Return a refresh token, locked until the transaction ends, so that two uses queue up."""
    statement = (
        select(REFRESH_TOKENS).where(REFRESH_TOKENS.c.token_hash == token_hash).with_for_update()
    )
    row = (await tx.session.execute(statement)).first()
    return None if row is None else RefreshRow(*row)


async def spend_refresh(tx: Transaction, token_hash: str, *, now: datetime) -> None:
    """Note the first use of a refresh token."""
    tokens = REFRESH_TOKENS.c
    await tx.session.execute(
        update(REFRESH_TOKENS)
        .where(tokens.token_hash == token_hash, tokens.used_at.is_(None))
        .values(used_at=now)
    )


async def revoke_family(tx: Transaction, family_id: str, *, now: datetime) -> None:
    """End every refresh token of a family: sign-out, or a token used twice."""
    tokens = REFRESH_TOKENS.c
    await tx.session.execute(
        update(REFRESH_TOKENS)
        .where(tokens.family_id == family_id, tokens.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def revoke_token(
    tx: Transaction, token_id: str, *, expires_at: datetime, now: datetime
) -> None:
    """End an access token before its time; forget those that are over anyway."""
    await tx.session.execute(delete(REVOKED_TOKENS).where(REVOKED_TOKENS.c.expires_at < now))
    await tx.session.execute(
        upsert(REVOKED_TOKENS)
        .values(token_id=token_id, expires_at=expires_at)
        .on_conflict_do_nothing()
    )


async def is_revoked(tx: Transaction, token_id: str) -> bool:
    """Return whether an access token was ended."""
    statement = select(REVOKED_TOKENS.c.token_id).where(REVOKED_TOKENS.c.token_id == token_id)
    return (await tx.session.execute(statement)).first() is not None


async def failures(tx: Transaction, name_hash: str) -> tuple[int, datetime | None]:
    """Return the failed sign-ins in a row under this name, and when the last one was."""
    statement = select(SIGN_IN_FAILURES).where(SIGN_IN_FAILURES.c.name_hash == name_hash)
    row = (await tx.session.execute(statement)).first()
    return (0, None) if row is None else (row.failures, row.last_at)


async def count_failure(tx: Transaction, name_hash: str, *, now: datetime) -> int:
    """Count a failed sign-in and return how many there are in a row."""
    statement = (
        upsert(SIGN_IN_FAILURES)
        .values(name_hash=name_hash, failures=1, last_at=now)
        .on_conflict_do_update(
            index_elements=["name_hash"],
            set_={"failures": SIGN_IN_FAILURES.c.failures + 1, "last_at": now},
        )
        .returning(SIGN_IN_FAILURES.c.failures)
    )
    return int((await tx.session.execute(statement)).scalar_one())


async def clear_failures(tx: Transaction, name_hash: str) -> None:
    """A good sign-in ends the row of failed ones."""
    await tx.session.execute(
        delete(SIGN_IN_FAILURES).where(SIGN_IN_FAILURES.c.name_hash == name_hash)
    )


async def _clinician(tx: Transaction, condition: Any) -> ClinicianRow | None:
    row = (await tx.session.execute(select(CLINICIANS).where(condition))).first()
    return None if row is None else _clinician_row(row)


def _clinician_row(row: Any) -> ClinicianRow:
    return ClinicianRow(
        clinician_id=row.clinician_id,
        username=row.username,
        password_hash=row.password_hash,
        display_name=row.display_name,
        roles=frozenset(row.roles),
        cover_clinician_id=row.cover_clinician_id,
        active=row.active,
        away_until=row.away_until,
    )


async def _changed(tx: Transaction, clinician_id: str, *, now: datetime) -> None:
    await tx.event(
        Action.CREDENTIAL_CHANGED, now=now, subject_type="Clinician", subject_id=clinician_id
    )
