"""Proving what was done: export, offline verification, witness."""
