"""Simulated phones and a scripted clinician, over HTTP only."""
