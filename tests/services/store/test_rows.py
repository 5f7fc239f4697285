"""A signed envelope is in effect at the lowest stage on record, whatever the reasons were."""

from services.clinical.autonomy import Setback
from services.clinical.envelope import Stage
from services.store.rows import Lowered, SignedEnvelope
from tests.services.store.people import NOW, envelope, signature


def test_the_lowest_stage_on_record_is_in_effect_and_none_raises() -> None:
    draft = envelope("p")
    signed = SignedEnvelope(draft, signature("c", b"x"))
    assert signed.in_effect == draft
    drift = Lowered(Stage.OBSERVE, (Setback.DRIFT,), NOW)
    later = Lowered(Stage.PROPOSE_ONLY, (Setback.DRIFT,), NOW)
    lowered = SignedEnvelope(draft, signed.signature, lowered=(drift, later))
    assert lowered.in_effect.stage is Stage.OBSERVE
    observing = SignedEnvelope(envelope("p", stage=Stage.OBSERVE), signed.signature, None, (later,))
    assert observing.in_effect.stage is Stage.OBSERVE
