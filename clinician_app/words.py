"""What codes are called in the clinic: moves, drugs, alarms, certainty, ages of data."""

from datetime import date, datetime, timedelta

from services.clinical.moves import DoseChange, Move, MoveKind
from services.clinical.units import format_dose

_ADDING = frozenset({MoveKind.START, MoveKind.START_TWO, MoveKind.ADD_AND_STEP_UP})


def plain(code: str) -> str:
    """Return "labs_first" as "Labs first"."""
    text = code.replace("_", " ")
    return text[:1].upper() + text[1:]


def hundredths(value: float) -> str:
    """Return two decimals; what rounds to nothing has no sign."""
    return f"{round(value, 2) + 0.0:.2f}"


def describe_move(move: Move) -> str:
    """Return one line, such as "Increase amlodipine 5→10 mg" or "No change"."""
    if not move.changes:
        return "No change"
    if move.kind is MoveKind.SWAP:
        return _describe_swap(move.changes)
    verbs = [_verb(move.kind, change) for change in move.changes]
    parts = [
        f"{verb} {change_words(change)}" for verb, change in zip(verbs, move.changes, strict=True)
    ]
    first, rest = parts[0], parts[1:]
    return ", ".join([first, *(part[:1].lower() + part[1:] for part in rest)])


def change_words(change: DoseChange) -> str:
    """Return the drug with its daily dose old→new; one dose alone when it starts or ends."""
    drug = change.drug.value
    if change.from_ug == 0:
        return f"{drug} {format_dose(change.to_ug)}"
    if change.to_ug == 0:
        return f"{drug} {format_dose(change.from_ug)}"
    return f"{drug} {format_dose(change.from_ug).removesuffix(' mg')}→{format_dose(change.to_ug)}"


def certainty_word(percent: int | None) -> str:
    """Return the word that stands beside the number: high from 80 %, moderate from 60 %."""
    if percent is None:
        return "not stated"
    if percent >= 80:
        return "high"
    return "moderate" if percent >= 60 else "low"


def mmhg_change(tenths: int) -> str:
    """Return an expected change in mmHg from tenths, with a true minus sign: "−7"."""
    whole = round(abs(tenths) / 10)
    if whole == 0:
        return "0"
    return f"−{whole}" if tenths < 0 else f"+{whole}"


def age_years(birth_date: date | None, today: date) -> int | None:
    """Return the age in whole years; None when the birth date is not known."""
    if birth_date is None:
        return None
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    return today.year - birth_date.year - (0 if had_birthday else 1)


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how old something is in one unit: "12 min", "5 h", "3 d"; "never" for None."""
    return "never" if moment is None else span(now - moment)


def due_words(due_at: datetime | None, now: datetime) -> str:
    """Return "overdue 3 h", "in 2 d", or a dash when nothing is due."""
    if due_at is None:
        return "–"
    return f"overdue {span(now - due_at)}" if due_at <= now else f"in {span(due_at - now)}"


def span(length: timedelta) -> str:
    """Return a length of time in its largest fitting unit, rounded down."""
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def _verb(kind: MoveKind, change: DoseChange) -> str:
    if kind is MoveKind.PAUSE:
        return "Pause"
    if kind is MoveKind.RESUME:
        return "Resume"
    if change.from_ug == 0:
        return "Add" if kind in _ADDING else "Start"
    if change.to_ug == 0:
        return "Stop"
    return "Increase" if change.to_ug > change.from_ug else "Reduce"


def _describe_swap(changes: tuple[DoseChange, ...]) -> str:
    ended = [change_words(change) for change in changes if change.to_ug == 0]
    begun = [change_words(change) for change in changes if change.to_ug != 0]
    return f"Change {', '.join(ended)} to {', '.join(begun)}"
