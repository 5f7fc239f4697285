"""FHIR R4 in plain dicts: mapping only, no I/O."""
