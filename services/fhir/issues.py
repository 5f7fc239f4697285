"""Which alert code of v3-ActCode a guard rule answers to."""

from typing import Final

DEFAULT_ISSUE: Final = "ACTN"

# The first row whose word is in the rule's id wins; the rule's own id is always coded beside it.
_WORDS: Final[tuple[tuple[str, str], ...]] = (
    ("pregnan", "PREG"),
    ("childbearing", "PREG"),
    ("angioedema", "DINT"),
    ("intoleran", "DINT"),
    ("allerg", "ALGY"),
    ("duplicate", "DUPTHPY"),
    ("same_class", "DUPTHPY"),
    ("two_mra", "DUPTHPY"),
    ("acei_with_arb", "DRG"),
    ("nsaid", "DRG"),
    ("lithium", "DRG"),
    ("trimethoprim", "DRG"),
    ("simvastatin", "DRG"),
    ("cyp3a4", "DRG"),
    ("verapamil", "DRG"),
    ("supplement", "DRG"),
    ("sparing", "DRG"),
    ("aliskiren", "DRG"),
    ("arni", "DRG"),
    ("potassium", "LAB"),
    ("sodium", "LAB"),
    ("egfr", "LAB"),
    ("creatinine", "LAB"),
    ("renal_fall", "LAB"),
    ("lab", "LAB"),
    ("maximum", "DOSEH"),
    ("too_high", "DOSEH"),
    ("off_ladder", "DOSEH"),
    ("below_start", "DOSEL"),
    ("gout", "COND"),
    ("asthma", "COND"),
    ("stenosis", "COND"),
    ("block", "COND"),
    ("heart_failure", "COND"),
    ("dementia", "COND"),
    ("frailty", "COND"),
    ("dialysis", "COND"),
    ("hepatic", "COND"),
    ("condition", "COND"),
    ("reading", "OBSA"),
    ("pressure", "OBSA"),
    ("standing", "OBSA"),
    ("heart_rate", "OBSA"),
)


def issue_code(rule_id: str) -> str:
    """Return the alert code of a guard rule; a rule about nothing listed asks for action."""
    lower = rule_id.lower()
    return next((code for word, code in _WORDS if word in lower), DEFAULT_ISSUE)
