"""Every way in which a token can be wrong is refused by its own name."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from services.access import tokens
from services.access.policy import Role

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def pair() -> tuple[bytes, bytes]:
    key = Ed25519PrivateKey.generate()
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


PRIVATE, PUBLIC = pair()
OTHER_PRIVATE, OTHER_PUBLIC = pair()
VERIFIER = tokens.TokenVerifier(
    {tokens.ISSUER_GATEWAY: PUBLIC, tokens.ISSUER_CLINICIAN: OTHER_PUBLIC},
    audience=tokens.AUDIENCE_GATEWAY,
)
CLAIMS = tokens.TokenClaims(
    issuer=tokens.ISSUER_GATEWAY,
    audience=(tokens.AUDIENCE_GATEWAY,),
    actor_id="actor",
    roles=frozenset({Role.PATIENT}),
    scopes=frozenset({"upload", "plan.read"}),
    token_id="jti-1",
    issued_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    patient_id="patient",
    device_id="device",
    session_id="family",
)
TOKEN = tokens.issue(CLAIMS, PRIVATE)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def payload() -> dict[str, object]:
    text = TOKEN.split(".")[1]
    loaded: dict[str, object] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return loaded


def signed(changes: dict[str, object], header: dict[str, object] | None = None) -> str:
    head = {"alg": "Ed25519", "typ": "at+jwt", "kid": tokens.ISSUER_GATEWAY, **(header or {})}
    body = {key: value for key, value in (payload() | changes).items() if value is not ...}
    return jwt.encode(head, body, OKPKey.import_key(PRIVATE), algorithms=["Ed25519"])


def unsigned() -> str:
    head = {"alg": "none", "typ": "at+jwt", "kid": tokens.ISSUER_GATEWAY}
    return f"{part(head)}.{TOKEN.split('.')[1]}."


def confused() -> str:
    """The classic: the public key used as an HMAC secret."""
    head = {"alg": "HS256", "typ": "at+jwt", "kid": tokens.ISSUER_GATEWAY}
    return jwt.encode(head, payload(), OctKey.import_key(PUBLIC[:40]), algorithms=["HS256"])


def tampered() -> str:
    head, _, signature = TOKEN.split(".")
    return f"{head}.{part(payload() | {'patient_id': 'someone-else'})}.{signature}"


REFUSALS: list[tuple[str, Callable[[], str], type[tokens.TokenRefused]]] = [
    ("alg none", unsigned, tokens.TokenAlgorithmRefused),
    ("HMAC with the public key", confused, tokens.TokenAlgorithmRefused),
    ("other type", lambda: signed({}, {"typ": "JWT"}), tokens.TokenAlgorithmRefused),
    ("tampered", tampered, tokens.TokenSignatureWrong),
    ("other key", lambda: tokens.issue(CLAIMS, OTHER_PRIVATE), tokens.TokenSignatureWrong),
    ("signature cut", lambda: TOKEN.rsplit(".", 1)[0] + ".", tokens.TokenSignatureWrong),
    ("unknown key id", lambda: signed({}, {"kid": "nobody"}), tokens.TokenIssuerWrong),
    (
        "another issuer's name under this key",
        lambda: signed({"iss": tokens.ISSUER_CLINICIAN}),
        tokens.TokenIssuerWrong,
    ),
    ("other audience", lambda: signed({"aud": ["clinician-api"]}), tokens.TokenAudienceWrong),
    (
        "expired",
        lambda: signed({"exp": int(NOW.timestamp())}),
        tokens.TokenExpired,
    ),
    (
        "not yet",
        lambda: signed({"nbf": int(NOW.timestamp()) + 31}),
        tokens.TokenNotYetValid,
    ),
    (
        "lasts for years",
        lambda: signed({"exp": int(NOW.timestamp()) + 10**8}),
        tokens.TokenLifetimeTooLong,
    ),
    ("huge", lambda: "a" * 5000, tokens.TokenTooLarge),
    (
        "huge header",
        lambda: part({"alg": "Ed25519", "x": "y" * 900}) + ".e30.AA",
        tokens.TokenTooLarge,
    ),
    ("empty", lambda: "", tokens.TokenMalformed),
    ("two dots, no content", lambda: "..", tokens.TokenMalformed),
    ("text", lambda: "not a token", tokens.TokenMalformed),
    ("not ASCII", lambda: "ä.ö.ü", tokens.TokenMalformed),
    ("header is a list", lambda: part([1]) + ".e30.AA", tokens.TokenAlgorithmRefused),
    ("header is a list of names", lambda: part(["alg"]) + ".e30.AA", tokens.TokenMalformed),
    ("header is a number", lambda: part(1) + ".e30.AA", tokens.TokenMalformed),
    ("alg is a list", lambda: part({"alg": ["Ed25519"]}) + ".e30.AA", tokens.TokenMalformed),
    ("aud is text", lambda: signed({"aud": tokens.AUDIENCE_GATEWAY}), tokens.TokenMalformed),
    ("no subject", lambda: signed({"sub": ...}), tokens.TokenMalformed),
    ("no nbf", lambda: signed({"nbf": ...}), tokens.TokenMalformed),
    ("exp is true", lambda: signed({"exp": True}), tokens.TokenMalformed),
    ("exp is endless", lambda: signed({"exp": 10**18}), tokens.TokenMalformed),
    ("unknown role", lambda: signed({"roles": ["god"]}), tokens.TokenMalformed),
    ("patient is a number", lambda: signed({"patient_id": 7}), tokens.TokenMalformed),
]


def test_a_genuine_token_gives_back_its_claims() -> None:
    assert VERIFIER.verify(TOKEN, now=NOW) == CLAIMS
    assert CLAIMS.subject().patient_id == "patient"


@pytest.mark.parametrize(
    ("make", "error"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_each_flaw_is_refused_by_name(
    make: Callable[[], str], error: type[tokens.TokenRefused]
) -> None:
    with pytest.raises(tokens.TokenRefused) as caught:
        VERIFIER.verify(make(), now=NOW)
    assert type(caught.value) is error


def test_a_token_ends_exactly_at_its_expiry() -> None:
    last = CLAIMS.expires_at - timedelta(seconds=1)
    assert VERIFIER.verify(TOKEN, now=last) == CLAIMS
    with pytest.raises(tokens.TokenExpired):
        VERIFIER.verify(TOKEN, now=CLAIMS.expires_at)


def test_every_refusal_has_its_own_code() -> None:
    kinds = tokens.TokenRefused.__subclasses__()
    assert len({kind.code for kind in kinds}) == len(kinds) == 9


def test_a_clinicians_token_for_both_doors_is_accepted_here() -> None:
    claims = replace(
        CLAIMS,
        issuer=tokens.ISSUER_CLINICIAN,
        audience=(tokens.AUDIENCE_CLINICIAN, tokens.AUDIENCE_GATEWAY),
        roles=frozenset({Role.CLINICIAN}),
        patient_id=None,
        device_id=None,
    )
    assert VERIFIER.verify(tokens.issue(claims, OTHER_PRIVATE), now=NOW) == claims


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_no_changed_character_is_accepted(index: int, character: str) -> None:
    changed = TOKEN[:index] + character + TOKEN[index + 1 :]
    if changed == TOKEN:
        return
    try:
        claims = VERIFIER.verify(changed, now=NOW)
    except tokens.TokenRefused:
        return
    # The last base64 character carries bits that are not part of the signature.
    assert index == len(TOKEN) - 1 and claims == CLAIMS


@given(st.text(max_size=200))
def test_any_text_is_refused_and_never_breaks_the_verifier(text: str) -> None:
    with pytest.raises(tokens.TokenRefused):
        VERIFIER.verify(text, now=NOW)
