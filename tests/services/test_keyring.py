import json
import stat
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from services.keyring import DATABASE_ROLES, SIGNING_KEYS, make_missing_secrets


def test_every_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    made = make_missing_secrets(tmp_path)
    files = {path.name: path for path in (tmp_path / "secrets").iterdir()}
    assert {f"db_{role}.password" for role in DATABASE_ROLES} <= files.keys() & set(made)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files.values())
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_an_existing_secret_is_never_overwritten(tmp_path: Path) -> None:
    make_missing_secrets(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    (tmp_path / "secrets" / "payload.json").unlink()
    assert make_missing_secrets(tmp_path) == ("payload.json",)
    after = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"payload.json"}


def test_public_and_private_parts_belong_together(tmp_path: Path) -> None:
    make_missing_secrets(tmp_path)
    for name in SIGNING_KEYS:
        private = load_pem_private_key((tmp_path / "secrets" / f"{name}.pem").read_bytes(), None)
        public = load_pem_public_key((tmp_path / "secrets" / f"{name}.pub").read_bytes())
        assert private.public_key() == public


def test_a_half_made_key_pair_is_made_anew(tmp_path: Path) -> None:
    make_missing_secrets(tmp_path)
    (tmp_path / "secrets" / "log.pem").unlink()
    assert make_missing_secrets(tmp_path) == ("log",)
    private = load_pem_private_key((tmp_path / "secrets" / "log.pem").read_bytes(), None)
    public = load_pem_public_key((tmp_path / "secrets" / "log.pub").read_bytes())
    assert private.public_key() == public


def test_key_sets_hold_256_bits_under_their_newest_id(tmp_path: Path) -> None:
    make_missing_secrets(tmp_path)
    for name in ("kek.json", "payload.json"):
        keys = json.loads((tmp_path / "secrets" / name).read_text())
        assert len(bytes.fromhex(keys["keys"][keys["newest"]])) == 32
