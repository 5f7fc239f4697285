"""What can go wrong in the store, classed by what the caller should do."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError


class NotInRecord(LookupError):
    """There is no such id, or the bound role may not see it. Retrying cannot help."""


class Changed(RuntimeError):
    """The record moved on since it was read (If-Match). Read it again and decide again."""


class NotOpen(RuntimeError):
    """The matter is closed already. Nothing was changed."""


class VaultError(RuntimeError):
    """Sealed bytes cannot be opened. Nothing was guessed in their place."""


class KeyUnknown(VaultError):
    """No data key for this patient, or its key-encryption key is not in the secrets."""


class NoKey(KeyUnknown):
    """There never was a data key for this patient."""


class KeyDestroyed(VaultError):
    """The patient's data key was destroyed: what it sealed is unreadable for ever."""


class Tampered(VaultError):
    """The bytes were changed, or belong to another table, column, row or patient."""


# Connection exceptions; shutdown, crash and recovery of the server; too many connections.
# Source: PostgreSQL 18, appendix A, error codes.
_OUTAGE_STATES = ("08", "57P", "53300")


def is_outage(error: BaseException) -> bool:
    """Return whether the database could not be reached or went away: the same request may be
    tried again. Anything else that a query raises is a defect."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        if error.connection_invalidated or state.startswith(_OUTAGE_STATES):
            return True
    return isinstance(error, OperationalError | InterfaceError | ConnectionError | TimeoutError)
