import uuid

from services.ids import new_id, new_secret


def test_ids_are_random_uuids() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(uuid.UUID(text).version == 4 for text in ids)


def test_secrets_have_the_length_asked_for() -> None:
    assert len(new_secret(24)) == 24
    assert new_secret() != new_secret()
