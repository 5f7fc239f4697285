"""Why this move and not the next one: the codes of a ranker as sentences. Pure.

Each number is the ranker's own, none is worked out here. What a ranker says that has no sentence
yet is shown as it was said, never left out.
"""

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from clinician_app.api.bodies import ExplanationPart
from clinician_app.api.proposals import ranked_move
from clinician_app.words import describe_move, plain
from services.clinical.moves import KEEP, Move, MoveKind
from services.clinical.proposal import RankedMove, Ranking

Code = Sequence[str]
"""The parts of a code between its colons."""

# What a term of the score says where it speaks for a move, and where against.
_TERMS = MappingProxyType(
    {
        "in_target": ("More time in target", "Less time in target"),
        "symptoms": ("Fewer symptoms", "More symptoms"),
        "excess": ("Less pressure above the goal", "More pressure above the goal"),
        "change": ("Fewer drugs changed", "More drugs changed"),
        "line": ("Better order of the classes", "Worse order of the classes"),
    }
)
_SOURCES = MappingProxyType(
    {
        "literature": "by the literature",
        "own_readings": "by this patient's own readings",
        "network": "by the trained network",
    }
)
_WHOLE = MappingProxyType(
    {
        "no_average": "No average to judge by",
        "over_treated": "The pressure is below its floor",
        "in_target": "The pressure is in target",
        "above_target": "The pressure is above the goal",
        "stage_2": "The pressure is in stage 2",
        "sick_day": "A sick day is open: what it asks for comes first",
        "sick_day_over": "The sick day is over: what was paused comes back first",
        "low_pressure_risk": "More than 3 % chance of a mean under 105 mmHg",
        "timing:no_change": "Time of day: no change",
        "timing:with_a_daily_habit": "Doses are missed: best taken with a daily habit",
        "days_to_know:1": "One day on each side would show the change in one person",
    }
)
_ELSEWHERE = frozenset({"pareto_front", "ahead_thousandths", "behind_thousandths", "rung_up"})
_KINDS = frozenset(kind.value for kind in MoveKind)


def explanation(ranking: Ranking | None, move: Move) -> list[ExplanationPart]:
    """Return the ranker's reasons for a move, part by part; none without a ranking."""
    ranked = ranked_move(ranking, move)
    if ranking is None or ranked is None:
        return []
    # What it changes comes first, then what it may cost and when it would show.
    said = sorted(ranked.reasons, key=lambda code: not code.startswith("change_tenths"))
    codes = [code.split(":") for code in said if code not in _KINDS]
    parts = [
        _part("Why", _why(codes, move)),
        _part("Where it leads", _level(codes)),
        *_against(ranking, ranked, codes),
        _part("One rung more", _rungs(ranked_move(ranking, KEEP))),
        _part("Not beaten in control, symptoms and tablets at once", _front(ranking, ranked)),
    ]
    return [part for part in parts if part.lines]


def _part(heading: str, lines: Iterator[str]) -> ExplanationPart:
    return ExplanationPart(heading=heading, lines=list(lines))


def _why(codes: Sequence[Code], move: Move) -> Iterator[str]:
    changed = {change.drug.value for change in move.changes}
    for code in codes:
        match code:
            case ["level_tenths", *_]:
                continue
            case [name, *_] if name in _ELSEWHERE:
                continue
            case ["change_tenths", drug, tenths]:
                # Two classes together do less than each by itself.
                beside = "" if drug in changed else ", beside them,"
                yield f"{plain(drug)}{beside} {_mmhg(tenths)}"
            case ["symptoms_percent", percent]:
                yield f"A symptom over placebo from these doses: {percent} %"
            case ["days_to_know", days] if days != "1":
                yield f"{days} days on each side would show the change in one person"
            case _:
                whole = ":".join(code)
                yield _WHOLE.get(whole, plain(whole))


def _level(codes: Sequence[Code]) -> Iterator[str]:
    """The summands of the home mean that the best move leads to, drug by drug."""
    summands: dict[str, list[str]] = {}
    for code in codes:
        match code:
            case ["level_tenths", source, drug, tenths]:
                whole = f"{int(tenths) / 10:.1f} mmHg"
                figure = whole if (source, drug) == ("literature", "none") else _mmhg(tenths)
                if source == "literature" or int(tenths):
                    said = f"{figure} {_SOURCES.get(source, plain(source))}"
                    summands.setdefault(drug, []).append(said)
    for drug, each in summands.items():
        name = "Without any drug" if drug == "none" else plain(drug)
        yield f"{name}: {', '.join(each)}"


def _against(
    ranking: Ranking, ranked: RankedMove, codes: Sequence[Code]
) -> Iterator[ExplanationPart]:
    """What speaks for it over the next one; or, where it is not the first, what the first has."""
    best, *others = ranking.moves
    if ranked.move != best.move:
        heading = f"Behind the ranker's first choice: {describe_move(best.move)}"
        yield _part(heading, _points(codes, "behind_thousandths"))
    elif others:
        heading = f"Over the next one: {describe_move(others[0].move)}"
        yield _part(heading, _points(codes, "ahead_thousandths"))


def _points(codes: Sequence[Code], kind: str) -> Iterator[str]:
    """The terms of the score; a point is worth one in a hundred of certain control."""
    for code in codes:
        match code:
            case [name, term, thousandths] if name == kind and int(thousandths):
                better, worse = _TERMS.get(
                    term, (f"{plain(term)}, for it", f"{plain(term)}, against")
                )
                words = better if int(thousandths) > 0 else worse
                yield f"{words}: {abs(int(thousandths)) / 10:.1f} points"


def _rungs(keep: RankedMove | None) -> Iterator[str]:
    """What one rung more of each drug would do; the ranker keeps it beside "no change"."""
    for code in () if keep is None else keep.reasons:
        match code.split(":"):
            case ["rung_up", drug, tenths, percent, days]:
                known = "no change to be known" if days == "never" else f"known after {days} days"
                yield f"{plain(drug)} {_mmhg(tenths)}, a symptom in {percent} %, {known}"


def _front(ranking: Ranking, ranked: RankedMove) -> Iterator[str]:
    """The other moves that no move beats in all three at once."""
    for other in ranking.moves:
        if "pareto_front" in other.reasons and other.move != ranked.move:
            yield describe_move(other.move)


def _mmhg(tenths: str) -> str:
    return f"{_tenths(tenths)} mmHg"


def _tenths(text: str) -> str:
    return f"{int(text) / 10:+.1f}".replace("-", "−")
