"""Fixtures of the workflow tests."""

from collections.abc import AsyncIterator

import pytest

from tests.temporal import EmbeddedTemporal, temporal, temporal_server
from tests.workflows.clinic import Clinic, open_clinic

__all__ = ["clinic", "temporal", "temporal_server"]


@pytest.fixture
async def clinic(temporal_server: EmbeddedTemporal) -> AsyncIterator[Clinic]:
    """A clinic of this test's own."""
    async with open_clinic(temporal_server) as opened:
        yield opened
