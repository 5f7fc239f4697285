"""Fixtures that every test may use."""

from tests.stack import postgres, settings, store_factory
from tests.whole_stack import whole_stack

__all__ = ["postgres", "settings", "store_factory", "whole_stack"]
