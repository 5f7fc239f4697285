"""Fixtures of the store's tests."""

from pathlib import Path

import pytest

from services.store import cluster
from tests.stack import EmbeddedPostgres


@pytest.fixture
def postgres_folder(postgres: EmbeddedPostgres) -> Path:
    """The files of the session's server, everything flushed to them."""
    postgres.sql("CHECKPOINT")
    return cluster.data_folder(postgres.settings)
