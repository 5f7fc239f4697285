"""Fixtures that every test may use."""

from tests.stack import postgres, settings, store_factory

__all__ = ["postgres", "settings", "store_factory"]
