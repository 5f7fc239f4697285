"""What a wearable says, on the wire: context in words, apart from every pressure of the cuff."""

from datetime import date

from clinician_app.api.wire import Instant, Out


class ContextLine(Out):
    """One figure with its unit; `value` None: too little was measured to say."""

    label: str
    value: str | None


class ArrivalDayOut(Out):
    """One of the patient's days: median pulse arrival time by day, ms."""

    day: date
    arrival_ms: int


class WearableOut(Out):
    """Context that cannot move a dose."""

    version: str | None
    irregular_rhythm_at: Instant | None
    course: list[ContextLine]
    pressure_words: str
    pressure: list[ContextLine]
    arrival: list[ArrivalDayOut]
