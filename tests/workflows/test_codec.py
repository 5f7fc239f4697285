"""Nothing plain goes to Temporal, and nothing plain, foreign or altered is believed."""

import json

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError, FailureError

from tests.temporal import KEYS
from workflows.codec import EncryptingCodec, PayloadKeys, PayloadRefused, data_converter
from workflows.messages import Recorded

OLD = PayloadKeys("old", {"old": bytes(32)})
ROTATED = PayloadKeys("new", {"old": bytes(32), "new": bytes([1] * 32)})


def plain() -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=b'{"patient_id": "p"}')


async def test_what_goes_in_comes_out_and_does_not_show() -> None:
    codec = EncryptingCodec(KEYS)
    sealed = await codec.encode([plain(), plain()])
    assert all(b"patient_id" not in payload.SerializeToString() for payload in sealed)
    assert sealed[0].data != sealed[1].data
    assert await codec.decode(sealed) == [plain(), plain()]


async def test_a_plain_payload_is_refused() -> None:
    with pytest.raises(PayloadRefused):
        await EncryptingCodec(KEYS).decode([plain()])


async def test_the_newest_key_encrypts_and_every_key_decrypts() -> None:
    before = await EncryptingCodec(OLD).encode([plain()])
    after = await EncryptingCodec(ROTATED).encode([plain()])
    assert after[0].metadata["key-id"] == b"new"
    assert await EncryptingCodec(ROTATED).decode([*before, *after]) == [plain(), plain()]
    with pytest.raises(PayloadRefused):
        await EncryptingCodec(OLD).decode(after)


@pytest.mark.parametrize("at", [0, 12, -1])
async def test_a_changed_byte_is_refused(at: int) -> None:
    codec = EncryptingCodec(KEYS)
    [sealed] = await codec.encode([plain()])
    changed = bytearray(sealed.data)
    changed[at] ^= 1
    altered = Payload(metadata=dict(sealed.metadata), data=bytes(changed))
    with pytest.raises(PayloadRefused):
        await codec.decode([altered])


async def test_a_payload_under_another_keys_name_is_refused() -> None:
    same = PayloadKeys("a", {"a": bytes(32), "b": bytes(32)})
    [sealed] = await EncryptingCodec(same).encode([plain()])
    renamed = Payload(metadata={**sealed.metadata, "key-id": b"b"}, data=sealed.data)
    with pytest.raises(PayloadRefused):
        await EncryptingCodec(same).decode([renamed])


async def test_a_failures_message_is_encrypted() -> None:
    converter = data_converter(KEYS)
    failure = Failure()
    await converter.encode_failure(ApplicationError("potassium 6.1"), failure)
    assert b"potassium" not in failure.SerializeToString()
    decoded = await converter.decode_failure(failure)
    assert isinstance(decoded, FailureError)
    assert "potassium 6.1" in str(decoded)


async def test_a_message_keeps_its_type_through_the_whole_converter() -> None:
    converter = data_converter(KEYS)
    message = Recorded("p", "readings")
    payloads = await converter.encode([message])
    assert await converter.decode(payloads, [Recorded]) == [message]


def test_keys_are_read_from_the_secret_file() -> None:
    text = json.dumps({"newest": "k", "keys": {"k": "00" * 32}}).encode()
    assert PayloadKeys.from_json(text).keys == {"k": bytes(32)}


def test_a_newest_key_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="newest"):
        PayloadKeys("missing", {})
