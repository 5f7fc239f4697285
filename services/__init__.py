"""What the loops use: the clinical core, the audit log, signals, FHIR, access, the store."""
