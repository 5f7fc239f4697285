"""The tamper-evident audit record: pure, standard library only."""
