"""Fixtures that every test may use, and the order of the files."""

from pathlib import Path
from typing import Final

import pytest

from tests.stack import postgres, settings, store_factory
from tests.whole_stack import whole_stack

__all__ = ["postgres", "settings", "store_factory", "whole_stack"]

_HERE: Final = Path(__file__).parent
# What starts processes and waits for them, longest first: begun early, no core waits for another's
# last file. The rest comes in the order of the folders.
_FIRST: Final = (
    "deploy/test_stack.py",
    "workflows/test___main__.py",
    "test_main_job.py",
    "workflows/test_patient_ai.py",
    "clinician_app/test_dashboard.py",
    "compliance/test_verify.py",
    "workflows",
    "models",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; within a file nothing moves."""
    items.sort(key=lambda item: _place(item.path))


def _place(file: Path) -> int:
    for place, name in enumerate(_FIRST):
        if file.is_relative_to(_HERE / name):
            return place
    return len(_FIRST)
