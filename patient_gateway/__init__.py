"""The patient's door: an HTTP API for phones, and the small web app that it serves."""
