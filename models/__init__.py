"""Machine learning: ranks the legal moves, never adds one. Start at `predict.py`."""
