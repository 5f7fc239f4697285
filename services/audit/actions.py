"""The acts that the audit log knows: a closed list, so that reports and filters can rely on it."""

from enum import StrEnum


class Action(StrEnum):
    """What was done, as `<record>.<past participle>`. Never rename one: leaves are for ever."""

    PATIENT_ENROLLED = "patient.enrolled"
    PATIENT_DISENROLLED = "patient.disenrolled"
    CONSENT_GRANTED = "consent.granted"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    DEVICE_ENROLLED = "device.enrolled"
    DEVICE_REVOKED = "device.revoked"

    READING_RECORDED = "reading.recorded"
    WINDOW_RECORDED = "window.recorded"
    SYMPTOM_RECORDED = "symptom.recorded"
    DOSE_RECORDED = "dose.recorded"
    LAB_RECORDED = "lab.recorded"
    RECORD_IMPORTED = "record.imported"
    RECORD_CREATED = "record.created"
    RECORD_UPDATED = "record.updated"

    ASSESSMENT_MADE = "assessment.made"
    ADVICE_OFFERED = "advice.offered"
    ADVICE_ACCEPTED = "advice.accepted"
    ADVICE_DECLINED = "advice.declined"
    ADVICE_EXPIRED = "advice.expired"

    REVIEW_OPENED = "review.opened"
    REVIEW_CLAIMED = "review.claimed"
    REVIEW_DECIDED = "review.decided"
    REVIEW_ESCALATED = "review.escalated"
    REVIEW_CLOSED = "review.closed"

    ORDER_ENACTED = "order.enacted"
    ORDER_REFUSED = "order.refused"
    ENVELOPE_SIGNED = "envelope.signed"
    ENVELOPE_REVOKED = "envelope.revoked"

    ALARM_RAISED = "alarm.raised"
    ALARM_ACKNOWLEDGED = "alarm.acknowledged"
    ALARM_ESCALATED = "alarm.escalated"
    ALARM_CLOSED = "alarm.closed"
    HALT_SET = "halt.set"
    HALT_LIFTED = "halt.lifted"

    GOAL_PROPOSED = "goal.proposed"
    GOAL_AGREED = "goal.agreed"
    GOAL_DECLINED = "goal.declined"
    VISIT_PLANNED = "visit.planned"
    VISIT_HELD = "visit.held"
    MESSAGE_SENT = "message.sent"

    RECORD_READ = "record.read"
    RECORD_SEARCHED = "record.searched"
    ACCESS_DENIED = "access.denied"
    BREAK_GLASS_OPENED = "break_glass.opened"
    BREAK_GLASS_CLOSED = "break_glass.closed"
    BREAK_GLASS_REVIEWED = "break_glass.reviewed"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_FAILED = "sign_in.failed"
    CREDENTIAL_CHANGED = "credential.changed"

    AUDIT_EXPORTED = "audit.exported"
    DATA_EXPORTED = "data.exported"
    KEY_DESTROYED = "key.destroyed"
    RETENTION_APPLIED = "retention.applied"
    LEGAL_HOLD_SET = "legal_hold.set"
    LEGAL_HOLD_LIFTED = "legal_hold.lifted"

    MODEL_TRAINED = "model.trained"
    MODEL_PROMOTED = "model.promoted"
    MODEL_REJECTED = "model.rejected"
    MODEL_ROLLED_BACK = "model.rolled_back"
    SYSTEM_STARTED = "system.started"
    SYSTEM_STOPPED = "system.stopped"
