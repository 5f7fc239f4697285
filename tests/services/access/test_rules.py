"""The table itself: no row lets in nobody, and no row forgets a purpose."""

from services.access.rules import RULES, Purpose, Role


def test_every_row_can_be_used_by_someone_for_something() -> None:
    for key, rule in RULES.items():
        assert rule.roles and rule.purposes and rule.scope, key


def test_a_patient_acts_for_themselves_and_never_for_audit() -> None:
    for key, rule in RULES.items():
        if Role.PATIENT in rule.roles:
            assert Purpose.SELF in rule.purposes and Purpose.AUDIT not in rule.purposes, key


def test_no_patient_or_device_scope_opens_a_clinicians_row() -> None:
    bound = {Role.PATIENT, Role.DEVICE}
    for_patients = {rule.scope for rule in RULES.values() if rule.roles & bound}
    for key, rule in RULES.items():
        if not rule.roles & bound:
            assert rule.scope not in for_patients, key
