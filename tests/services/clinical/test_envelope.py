"""The plan's vocabulary: stages in order, and a plan that is a value."""

from services.clinical.envelope import Stage, StopCondition
from services.clinical.facts import STAGES, facts
from tests.services.clinical.examples import NOW, envelope, proposal, snapshot


def test_stages_rise_from_observing_to_bounded_steps() -> None:
    assert STAGES == (Stage.OBSERVE, Stage.PROPOSE_ONLY, Stage.ONE_STEP, Stage.BOUNDED_STEPS)


def test_each_stop_condition_reaches_the_facts_in_its_place() -> None:
    for place, condition in enumerate(StopCondition):
        plan = envelope(stop_conditions=frozenset({condition}))
        read = facts(snapshot(), proposal(), plan, NOW)
        assert [n for n, stop in enumerate(read.envelope.stop) if stop] == [place]


def test_a_plan_is_unsigned_revoked_or_second_signed_only_where_it_says_so() -> None:
    plan = envelope()
    assert (plan.revoked_at, plan.second_signed_by) == (None, None)
    assert plan == envelope() and hash(plan) == hash(envelope())
