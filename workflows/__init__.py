"""The loops, on Temporal. Start at `patient_ai.py`."""
