"""Who may do what: the policy, signed tokens, passwords and codes. No framework, no store."""
