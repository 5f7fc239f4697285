"""Sessions: a signed token of fifteen minutes, renewed by use, ended by idleness or sign-out."""

from datetime import UTC, datetime, timedelta

from clinician_app.api.bodies import SessionOut
from services.access.policy import Role, scopes_of
from services.access.tokens import (
    AUDIENCE_CLINICIAN,
    AUDIENCE_GATEWAY,
    ISSUER_CLINICIAN,
    LIFETIME,
    TokenClaims,
    TokenVerifier,
    issue,
)
from services.ids import new_id
from services.settings import Settings
from services.store.rows import ClinicianRow

# However busy: once a working day the password is asked for again.
LONGEST_SESSION = timedelta(hours=12)


class SessionOver(PermissionError):
    """The session has lasted a working day. Sign in again."""


class Tokens:
    """Issues and checks the tokens of this door.

    A token is good for the gateway as well: importing a patient is done there.
    """

    def __init__(self, settings: Settings) -> None:
        self._private_key = settings.secret("token_clinician.pem")
        public = {ISSUER_CLINICIAN: settings.secret("token_clinician.pub")}
        self._verifier = TokenVerifier(public, audience=AUDIENCE_CLINICIAN)

    def open(self, clinician: ClinicianRow, *, now: datetime) -> SessionOut:
        """Return a new session's first token."""
        return self._issue(clinician, f"{new_id()}.{int(now.timestamp())}", now=now)

    def renew(self, claims: TokenClaims, clinician: ClinicianRow, *, now: datetime) -> SessionOut:
        """Return the next token of the session that `claims` belong to.

        Raises:
            SessionOver: twelve hours have passed since the password was given.
        """
        session_id = session_of(claims)
        began = datetime.fromtimestamp(int(session_id.rpartition(".")[2]), UTC)
        if now - began >= LONGEST_SESSION:
            raise SessionOver
        return self._issue(clinician, session_id, now=now)

    def verify(self, text: str, *, now: datetime) -> TokenClaims:
        """Return the claims of a genuine token. Raises: TokenRefused."""
        return self._verifier.verify(text, now=now)

    def _issue(self, clinician: ClinicianRow, session_id: str, *, now: datetime) -> SessionOut:
        roles = frozenset(Role(role) for role in clinician.roles)
        expires_at = now.replace(microsecond=0) + LIFETIME
        claims = TokenClaims(
            issuer=ISSUER_CLINICIAN,
            audience=(AUDIENCE_CLINICIAN, AUDIENCE_GATEWAY),
            actor_id=clinician.clinician_id,
            roles=roles,
            scopes=scopes_of(roles),
            token_id=new_id(),
            issued_at=now.replace(microsecond=0),
            expires_at=expires_at,
            session_id=session_id,
        )
        return SessionOut(
            access_token=issue(claims, self._private_key),
            expires_at=expires_at,
            clinician_id=clinician.clinician_id,
            display_name=clinician.display_name,
            role=", ".join(sorted(clinician.roles)),
        )


def session_of(claims: TokenClaims) -> str:
    """Return the session's id: random text, a dot, and the second in which it began."""
    if claims.session_id is None:
        raise SessionOver
    return claims.session_id
