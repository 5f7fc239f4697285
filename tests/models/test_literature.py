import numpy as np
import pytest

from models.literature import CLASSES, EFFECTS, symptom_shares
from services.clinical.formulary import DrugClass

# Systolic fall at half, standard and double dose. Source: Law 2003 [S].
PUBLISHED = {
    DrugClass.THIAZIDE: (7.4, 8.8, 10.3),
    DrugClass.BETA_BLOCKER: (7.4, 9.2, 11.1),
    DrugClass.ACE_INHIBITOR: (6.9, 8.5, 10.0),
    DrugClass.ARB: (7.8, 10.3, 12.3),
    DrugClass.CALCIUM_CHANNEL_BLOCKER: (5.9, 8.8, 11.7),
}


@pytest.mark.parametrize("drug_class", PUBLISHED)
def test_the_curves_give_the_published_rows(drug_class: DrugClass) -> None:
    effect = EFFECTS[drug_class]
    for dose, fall_mmhg in zip((0.5, 1.0, 2.0), PUBLISHED[drug_class], strict=True):
        curve = effect.emax_mmhg * dose / (effect.ed50_standard + dose)
        assert curve == pytest.approx(fall_mmhg, abs=0.45)


@pytest.mark.parametrize("drug_class", CLASSES)
def test_symptoms_pass_through_the_published_rows_and_never_fall_with_dose(
    drug_class: DrugClass,
) -> None:
    rows = EFFECTS[drug_class].symptom_percent
    place = CLASSES.index(drug_class)
    found = symptom_shares(np.array([[d] * len(CLASSES) for d in (0.5, 1.0, 2.0)]))
    assert 100 * found[:, place] == pytest.approx(rows)
    many = np.repeat(np.arange(40)[:, None] / 10, len(CLASSES), axis=1)
    shares = symptom_shares(many)[:, place].tolist()
    assert shares == sorted(shares)
    assert shares[0] == 0.0
