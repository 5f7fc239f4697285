"""Signed access tokens: Ed25519 only, fifteen minutes, bound to one audience and one patient.

RFC 9864 names the algorithm "Ed25519"; the older name "EdDSA" leaves the curve open.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from joserfc import errors, jwt
from joserfc.jwk import OKPKey

from services.access.policy import Role, Subject

ALGORITHM = "Ed25519"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type (RFC 9068), not a secret
LIFETIME = timedelta(minutes=15)
# Two machines disagree by a little; a token from the far future is somebody's forgery.
NOT_BEFORE_LEEWAY = timedelta(seconds=30)
MAX_TOKEN_CHARACTERS = 4096

ISSUER_GATEWAY = "clinaiops-gateway"
ISSUER_CLINICIAN = "clinaiops-clinician"
AUDIENCE_GATEWAY = "patient-gateway"
AUDIENCE_CLINICIAN = "clinician-api"


class TokenRefused(Exception):
    """The token is not accepted. `code` is stable; say no more than that to the bearer."""

    code: ClassVar[str] = "token_refused"


class TokenTooLarge(TokenRefused):
    """Longer than any token that this system issues: not even decoded."""

    code = "token_too_large"


class TokenMalformed(TokenRefused):
    """Not a compact JWS holding the claims that this system issues."""

    code = "token_malformed"


class TokenAlgorithmRefused(TokenRefused):
    """Another algorithm, "none" among them, or another type of token."""

    code = "token_algorithm_refused"


class TokenSignatureWrong(TokenRefused):
    """Changed on the way, or signed with another key."""

    code = "token_signature_wrong"


class TokenIssuerWrong(TokenRefused):
    """Issued by nobody whom this door trusts, or claims another issuer than its key's."""

    code = "token_issuer_wrong"


class TokenAudienceWrong(TokenRefused):
    """Meant for another door."""

    code = "token_audience_wrong"


class TokenExpired(TokenRefused):
    """Sign in or refresh again."""

    code = "token_expired"


class TokenNotYetValid(TokenRefused):
    """Its time has not come."""

    code = "token_not_yet_valid"


class TokenLifetimeTooLong(TokenRefused):
    """Valid for longer than this system ever allows."""

    code = "token_lifetime_too_long"


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says. Times are aware UTC, whole seconds; `token_id` is random (jti)."""

    issuer: str
    audience: tuple[str, ...]
    actor_id: str
    roles: frozenset[Role]
    scopes: frozenset[str]
    token_id: str
    issued_at: datetime
    expires_at: datetime
    patient_id: str | None = None
    device_id: str | None = None
    session_id: str | None = None

    def subject(self) -> Subject:
        """Return the bearer as the policy knows them."""
        return Subject(
            self.actor_id,
            self.roles,
            self.scopes,
            self.expires_at,
            patient_id=self.patient_id,
            device_id=self.device_id,
        )


def issue(claims: TokenClaims, private_key_pem: bytes) -> str:
    """Return the signed compact token. The header's `kid` names the issuer."""
    payload: dict[str, object] = {
        "iss": claims.issuer,
        "aud": list(claims.audience),
        "sub": claims.actor_id,
        "roles": sorted(claims.roles),
        "scope": " ".join(sorted(claims.scopes)),
        "jti": claims.token_id,
        "iat": int(claims.issued_at.timestamp()),
        "nbf": int(claims.issued_at.timestamp()),
        "exp": int(claims.expires_at.timestamp()),
        **_present("patient_id", claims.patient_id),
        **_present("device_id", claims.device_id),
        **_present("sid", claims.session_id),
    }
    header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": claims.issuer}
    return jwt.encode(header, payload, OKPKey.import_key(private_key_pem), algorithms=[ALGORITHM])


class TokenVerifier:
    """Checks tokens for one door against the public keys of the issuers it trusts."""

    def __init__(self, public_keys_pem: Mapping[str, bytes], *, audience: str) -> None:
        """`public_keys_pem` maps an issuer to its Ed25519 public key in PEM."""
        self._keys = {
            issuer: OKPKey.import_key(pem, {"alg": ALGORITHM})
            for issuer, pem in public_keys_pem.items()
        }
        self._audience = audience

    def verify(self, text: str, *, now: datetime) -> TokenClaims:
        """Return the claims of a token that is genuine, for this door and in its time.

        Raises:
            TokenRefused: one of its named kinds, for everything else.
        """
        if len(text) > MAX_TOKEN_CHARACTERS:
            raise TokenTooLarge
        token, issuer = self._decode(text)
        claims = _read_claims(token.claims)
        if claims.issuer != issuer:
            raise TokenIssuerWrong
        if self._audience not in claims.audience:
            raise TokenAudienceWrong
        _check_times(claims, _instant(token.claims.get("nbf")), now)
        return claims

    def _decode(self, text: str) -> tuple[jwt.Token, str]:
        issuer = ""

        def key_of(guest: object) -> OKPKey:
            nonlocal issuer
            header = guest.headers()  # type: ignore[attr-defined]
            if header.get("typ") != TOKEN_TYPE or header.get("alg") != ALGORITHM:
                raise TokenAlgorithmRefused
            issuer = str(header.get("kid"))
            if issuer not in self._keys:
                raise TokenIssuerWrong
            return self._keys[issuer]

        try:
            return jwt.decode(text, key_of, algorithms=[ALGORITHM]), issuer
        except errors.BadSignatureError as err:
            raise TokenSignatureWrong from err
        except (errors.UnsupportedAlgorithmError, errors.MissingAlgorithmError) as err:
            raise TokenAlgorithmRefused from err
        except errors.ExceededSizeError as err:
            raise TokenTooLarge from err
        except (errors.JoseError, ValueError, RecursionError, TypeError, AttributeError) as err:
            # The last two: the library indexes a header before it knows that it is an object.
            raise TokenMalformed from err


def _present(name: str, value: str | None) -> dict[str, object]:
    return {} if value is None else {name: value}


def _check_times(claims: TokenClaims, not_before: datetime, now: datetime) -> None:
    if now >= claims.expires_at:
        raise TokenExpired
    if now + NOT_BEFORE_LEEWAY < max(not_before, claims.issued_at):
        raise TokenNotYetValid
    if claims.expires_at - claims.issued_at > LIFETIME:
        raise TokenLifetimeTooLong


def _read_claims(payload: Mapping[str, object]) -> TokenClaims:
    audience, roles = payload.get("aud"), payload.get("roles")
    if not isinstance(audience, list) or not isinstance(roles, list):
        raise TokenMalformed
    try:
        return TokenClaims(
            issuer=_text(payload.get("iss")),
            audience=tuple(_text(item) for item in audience),
            actor_id=_text(payload.get("sub")),
            roles=frozenset(Role(_text(role)) for role in roles),
            scopes=frozenset(_text(payload.get("scope")).split()),
            token_id=_text(payload.get("jti")),
            issued_at=_instant(payload.get("iat")),
            expires_at=_instant(payload.get("exp")),
            patient_id=_text_or_none(payload.get("patient_id")),
            device_id=_text_or_none(payload.get("device_id")),
            session_id=_text_or_none(payload.get("sid")),
        )
    except ValueError as err:
        raise TokenMalformed from err


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TokenMalformed
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _instant(value: object) -> datetime:
    # bool is an int in Python, and a date past year 9999 overflows.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**35:
        raise TokenMalformed
    return datetime.fromtimestamp(value, UTC)
