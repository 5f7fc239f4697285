"""The acts of the log: closed, and never renamed once a leaf can hold them."""

import re

from services.audit.actions import Action

# Leaves with these words exist in logs out there; adding to the list is free, removing is not.
PUBLISHED = frozenset(
    """
    patient.enrolled patient.disenrolled consent.granted consent.withdrawn device.enrolled
    device.revoked reading.recorded window.recorded symptom.recorded dose.recorded lab.recorded
    record.imported record.created record.updated assessment.made advice.offered advice.accepted
    advice.declined advice.expired review.opened review.claimed review.decided review.escalated
    review.closed order.enacted order.refused envelope.signed envelope.revoked envelope.demoted
    alarm.raised
    alarm.acknowledged alarm.escalated alarm.closed halt.set halt.lifted goal.proposed goal.agreed
    goal.declined visit.planned visit.held message.sent record.read record.searched access.denied
    break_glass.opened break_glass.closed break_glass.reviewed signed_in signed_out sign_in.failed
    credential.changed audit.exported data.exported key.destroyed retention.applied legal_hold.set
    legal_hold.lifted model.trained model.promoted model.rejected model.rolled_back system.started
    system.stopped
""".split()  # noqa: SIM905 (a list of 62 lines says no more)
)


def test_no_published_act_was_renamed_or_removed() -> None:
    assert {action.value for action in Action} >= PUBLISHED


def test_every_act_is_lower_case_words() -> None:
    for action in Action:
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", action.value), action
        assert action.name == action.value.replace(".", "_").upper()
