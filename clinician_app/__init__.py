"""The clinician's door: an HTTP API and the dashboard that calls it. Start at `app.py`."""
