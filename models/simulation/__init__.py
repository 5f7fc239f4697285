"""Simulated patients, worlds and the trial. Start at `trial.py`. Nobody here is real."""
