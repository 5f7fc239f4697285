"""Who may do what to which table: privileges, row-level security and append-only triggers.

One table of rules; `statements` turns it into SQL that may run again and again. A role without a
letter has no privilege. S select, I insert, U update of the named columns, D delete.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from services.store.roles import Role
from services.store.tables import everything
from services.store.tables.base import Wall

GATEWAY, CLINICIAN, WORKER = Role.GATEWAY, Role.CLINICIAN, Role.WORKER
SEALER, AUDITOR = Role.SEALER, Role.AUDITOR
RUNNING = (GATEWAY, CLINICIAN, WORKER, SEALER, AUDITOR)


@dataclass(frozen=True, slots=True)
class Rule:
    """One table. `closes`: once this column is set, the row never changes again."""

    wall: Wall
    grants: Mapping[Role, str]
    columns: tuple[str, ...] = ()
    """What an U may update; empty with U: every column."""
    append_only: bool = False
    closes: str | None = None
    or_all: bool = False
    """A row without a patient concerns everybody."""


def _doors(letters: str, **more: str) -> dict[Role, str]:
    grants = {GATEWAY: letters, CLINICIAN: letters, WORKER: letters, AUDITOR: "S"}
    grants.update({Role(name): text for name, text in more.items()})
    return grants


def _kept(**more: str) -> Rule:
    """By patient, written once, never changed."""
    return Rule(Wall.PATIENT, _doors("SI", **more), append_only=True)


def _narrow(**more: str) -> Rule:
    """By subject, written once, never changed."""
    return Rule(Wall.SUBJECT, _doors("SI", **more), append_only=True)


def _open_until(closes: str, *columns: str, **more: str) -> Rule:
    """By patient; a status that advances until it is closed."""
    return Rule(Wall.PATIENT, _doors("SIU", **more), (*columns, closes), closes=closes)


RULES: Mapping[str, Rule] = {
    "patients": _kept(),
    "patient_facts": _kept(),
    "care_team": Rule(Wall.NONE, _doors("SI", worker="S")),
    "called_in": Rule(Wall.NONE, {CLINICIAN: "S", WORKER: "SI", AUDITOR: "S"}, append_only=True),
    "consents": _kept(worker="S"),
    "clinicians": Rule(
        Wall.NONE,
        {GATEWAY: "S", CLINICIAN: "SIU", WORKER: "S", AUDITOR: "S"},
        ("password_hash", "cover_clinician_id", "active", "away_until", "roles", "display_name"),
    ),
    "devices": Rule(Wall.PATIENT, _doors("SI", gateway="SIU"), ("revoked_at", "firmware")),
    "enrolment_codes": Rule(Wall.NONE, {GATEWAY: "SIU", CLINICIAN: "SI"}, ("used_at",)),
    "refresh_tokens": Rule(
        Wall.NONE, {GATEWAY: "SIU", CLINICIAN: "SIU"}, ("used_at", "revoked_at")
    ),
    "revoked_tokens": Rule(Wall.NONE, {GATEWAY: "SID", CLINICIAN: "SID"}),
    "sign_in_failures": Rule(Wall.NONE, {GATEWAY: "SIUD", CLINICIAN: "SIUD"}),
    "readings": _narrow(),
    "doses": _narrow(),
    "symptoms": Rule(Wall.SUBJECT, _doors("SIU"), ("closed_at", "closed_by"), closes="closed_at"),
    "labs": _narrow(),
    "lab_orders": Rule(Wall.SUBJECT, _doors("SIU"), ("answered_at",), closes="answered_at"),
    "weights": _narrow(),
    "windows": _narrow(),
    "window_features": _narrow(gateway="S", clinician="S"),
    "feature_names": Rule(Wall.NONE, _doors("S", worker="SI"), append_only=True),
    "window_jobs": Rule(
        Wall.PATIENT, {GATEWAY: "SI", WORKER: "SUD"}, ("claimed_until", "attempts")
    ),
    "resources": _kept(),
    "regimens": _kept(),
    "dose_changes": _kept(),
    "envelopes": _kept(gateway="S", worker="S"),
    "envelope_revocations": _kept(gateway="S"),
    "envelope_demotions": _kept(gateway="S", clinician="S"),
    "assessments": _kept(gateway="S", clinician="S"),
    "choices": _kept(gateway="", clinician=""),
    "step_outcomes": Rule(Wall.NONE, {WORKER: "SI", AUDITOR: "S"}, append_only=True),
    "reviews": _open_until(
        "closed_at",
        *("status", "version", "assessment_id", "rung", "claimed_by", "claimed_at", "outcome"),
        gateway="S",
    ),
    "review_decisions": _kept(gateway="S", worker="S"),
    "advice": _open_until("closed_at", "status", "outcome"),
    "advice_answers": _kept(clinician="S"),
    "enactments": _kept(gateway="S", clinician="S"),
    "alarms": _open_until(
        "closed_at",
        *("status", "urgency", "last_raised_at", "repeats", "rung", "evidence_sealed", "outcome"),
        *("acknowledged_by", "acknowledged_at", "note_sealed"),
    ),
    "halts": Rule(
        Wall.PATIENT,
        _doors("SIU"),
        ("lifted_at", "lifted_by"),
        closes="lifted_at",
        or_all=True,
    ),
    "goals": _open_until(
        "closed_at", "status", "patient_agreed_at", "clinician_agreed_at", "clinician_id"
    ),
    "messages": Rule(Wall.PATIENT, _doors("SIU"), ("read_at",), closes="read_at"),
    "visits": _open_until("closed_at", "status"),
    "tasks": _open_until("done_at", "status", "done_by"),
    "reminders": _kept(clinician="S"),
    "events": Rule(
        Wall.PATIENT, _doors("SI", sealer="", auditor="SI"), append_only=True, or_all=True
    ),
    "unsealed_events": Rule(Wall.NONE, {SEALER: "SD", AUDITOR: "S"}),
    "leaves": Rule(Wall.NONE, _doors("S", sealer="SI"), append_only=True),
    "tree_nodes": Rule(Wall.NONE, {SEALER: "SI", AUDITOR: "S"}, append_only=True),
    "checkpoints": Rule(Wall.NONE, _doors("S", sealer="SI"), append_only=True),
    "cosignatures": Rule(Wall.NONE, _doors("S", sealer="SI"), append_only=True),
    "outbox": Rule(
        Wall.NONE,
        {GATEWAY: "SI", CLINICIAN: "SI", WORKER: "SIU", AUDITOR: "S"},
        ("claimed_until", "attempts", "delivered_at", "failed_at", "error_code"),
    ),
    "idempotent_requests": Rule(
        Wall.PATIENT,
        {GATEWAY: "SIUD", CLINICIAN: "SIUD"},
        ("status_code", "response_sealed"),
        or_all=True,
    ),
}
KEY_RULES: Mapping[str, Rule] = {
    "wrapped_keys": Rule(
        Wall.NONE,
        {GATEWAY: "SI", CLINICIAN: "SI", WORKER: "SIU", AUDITOR: "S"},
        ("kek_id", "wrapped", "destroyed_at"),
    ),
}

# The sealer reads the leaf of an event and how long it waits; never its payload.
_SEALER_EVENT_COLUMNS = "event_id, leaf, occurred_at"

_BOUND = "ANY (string_to_array(current_setting('clinaiops.{name}_ids', true), ','))"
_ACTOR = "current_setting('clinaiops.actor_id', true)"
_TEAM = (
    "patient_id IN (SELECT team.patient_id FROM care_team team"
    " LEFT JOIN clinicians covered ON covered.clinician_id = team.clinician_id"
    f" WHERE team.clinician_id = {_ACTOR} OR (covered.cover_clinician_id = {_ACTOR}"
    # Who covers is let in while they are needed; called in by a ladder they are in anyway.
    " AND (NOT covered.active OR covered.away_until > now()))"
    # Whom a ladder told may answer: a page that nobody can act on is worse than none.
    " UNION ALL SELECT called.patient_id FROM called_in called"
    f" WHERE called.clinician_id = {_ACTOR} AND called.until > now())"
)

_FUNCTIONS = (
    """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$""",
    """
CREATE OR REPLACE FUNCTION refuse_change_when_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(OLD) ->> TG_ARGV[0]) IS NOT NULL THEN
    RAISE EXCEPTION '% is closed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$""",
    """
CREATE OR REPLACE FUNCTION queue_for_sealing() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO public.unsealed_events (event_id) VALUES (NEW.event_id);
  RETURN NULL;
END $$""",
    "REVOKE ALL ON FUNCTION queue_for_sealing() FROM PUBLIC",
)


def statements(part: Literal["record", "keys"]) -> Iterator[str]:
    """Yield the SQL that gives one database exactly these privileges, policies and triggers.

    Raises:
        KeyError: a table has no rule; none is left open by being forgotten.
    """
    metadata = everything.RECORD if part == "record" else everything.KEYS
    rules = RULES if part == "record" else KEY_RULES
    everyone = ", ".join(role.database_user for role in RUNNING)
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    yield f"GRANT USAGE ON SCHEMA public TO {everyone}, {Role.BACKUP.database_user}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {everyone}"
    if part == "record":
        yield from _FUNCTIONS
    for table in sorted(metadata.tables):
        yield from _privileges(table, rules[table])
        if part == "record":
            yield from _policies(table, rules[table])
            yield from _triggers(table, rules[table])
    if part == "record":
        yield f"GRANT SELECT ({_SEALER_EVENT_COLUMNS}) ON events TO {SEALER.database_user}"
        yield from _sealing_trigger()
    else:
        # Erasure rewrites the table, so that no old version of a wrapped key stays in its file.
        yield f"GRANT MAINTAIN ON wrapped_keys TO {WORKER.database_user}"


def _privileges(table: str, rule: Rule) -> Iterator[str]:
    words = {"S": "SELECT", "I": "INSERT", "D": "DELETE"}
    for role, letters in rule.grants.items():
        user = role.database_user
        for letter in letters:
            if letter == "U":
                columns = f" ({', '.join(rule.columns)})" if rule.columns else ""
                yield f"GRANT UPDATE{columns} ON {table} TO {user}"
            else:
                yield f"GRANT {words[letter]} ON {table} TO {user}"


def _policies(table: str, rule: Rule) -> Iterator[str]:
    for role in RUNNING:
        yield f"DROP POLICY IF EXISTS {role.value} ON {table}"
    if rule.wall is Wall.NONE:
        return
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    for role in RUNNING:
        if role in rule.grants:
            yield (
                f"CREATE POLICY {role.value} ON {table} TO {role.database_user}"
                f" USING ({_visible(role, rule)})"
            )


def _visible(role: Role, rule: Rule) -> str:
    if role in (AUDITOR, SEALER):
        return "true"
    if rule.wall is Wall.SUBJECT:
        return f"subject_id = {_BOUND.format(name='subject')}"
    if role is WORKER:
        return "true"
    own = _TEAM if role is CLINICIAN else f"patient_id = {_BOUND.format(name='patient')}"
    return f"patient_id IS NULL OR {own}" if rule.or_all else own


def _triggers(table: str, rule: Rule) -> Iterator[str]:
    yield f"DROP TRIGGER IF EXISTS append_only ON {table}"
    yield f"DROP TRIGGER IF EXISTS no_truncate ON {table}"
    yield f"DROP TRIGGER IF EXISTS closed ON {table}"
    if rule.append_only:
        yield (
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        yield (
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    if rule.closes is not None:
        yield (
            f"CREATE TRIGGER closed BEFORE UPDATE ON {table} FOR EACH ROW"
            f" EXECUTE FUNCTION refuse_change_when_closed('{rule.closes}')"
        )


def _sealing_trigger() -> Iterator[str]:
    yield "DROP TRIGGER IF EXISTS queue_for_sealing ON events"
    yield (
        "CREATE TRIGGER queue_for_sealing AFTER INSERT ON events"
        " FOR EACH ROW EXECUTE FUNCTION queue_for_sealing()"
    )
