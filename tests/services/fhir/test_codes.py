"""Addresses stand in one place."""

from pathlib import Path

from services.fhir import codes

_FOLDER = Path(codes.__file__).parent


def test_the_guides_addresses_are_written_in_one_module_only() -> None:
    holding = [p.name for p in _FOLDER.glob("*.py") if "uv/aitransparency" in p.read_text()]
    assert holding == ["codes.py"]


def test_our_own_address_is_written_once() -> None:
    holding = {p.name: p.read_text().count("clinaiops.example") for p in _FOLDER.glob("*.py")}
    assert {name: n for name, n in holding.items() if n} == {"codes.py": 1}
