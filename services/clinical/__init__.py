"""Every clinical rule, pure: standard library only, no clock, no I/O. Start at `guard.py`."""
