"""Codes that records carry, and what a rule reads from them. What is not here is unknown."""

from decimal import Decimal
from typing import Final

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.patient import Condition, Lab

# Source: SNOMED CT; the codes of the vendored records first, then their nearest kin [K].
CONDITIONS: Final[dict[str, Condition]] = {
    "44054006": Condition.DIABETES_TYPE_2,
    "368581000119106": Condition.DIABETES_TYPE_2,
    "422034002": Condition.DIABETES_TYPE_2,
    "90781000119102": Condition.ALBUMINURIA,
    "157141000119108": Condition.ALBUMINURIA,
    "127013003": Condition.CHRONIC_KIDNEY_DISEASE,
    "431855005": Condition.CHRONIC_KIDNEY_DISEASE,
    "431856006": Condition.CHRONIC_KIDNEY_DISEASE,
    "433144002": Condition.CHRONIC_KIDNEY_DISEASE,
    "431857002": Condition.CHRONIC_KIDNEY_DISEASE,
    "433146000": Condition.CHRONIC_KIDNEY_DISEASE,
    "709044004": Condition.CHRONIC_KIDNEY_DISEASE,
    "46177005": Condition.CHRONIC_KIDNEY_DISEASE,
    "105502003": Condition.DIALYSIS,
    "737295003": Condition.TRANSPLANT,
    "53741008": Condition.CORONARY_DISEASE,
    "414545008": Condition.CORONARY_DISEASE,
    "22298006": Condition.CORONARY_DISEASE,
    "399211009": Condition.CORONARY_DISEASE,
    "230690007": Condition.STROKE,
    "84114007": Condition.HEART_FAILURE,
    "88805009": Condition.HEART_FAILURE,
    "195111005": Condition.HEART_FAILURE_DECOMPENSATED,
    "49436004": Condition.ATRIAL_FIBRILLATION,
    "27885002": Condition.AV_BLOCK_2_3,
    "195042002": Condition.AV_BLOCK_2_3,
    "36083008": Condition.SICK_SINUS,
    "441509002": Condition.PACEMAKER,
    "195967001": Condition.ASTHMA,
    "233678006": Condition.ASTHMA,
    "13645005": Condition.SEVERE_ASTHMA_OR_COPD,
    "185086009": Condition.SEVERE_ASTHMA_OR_COPD,
    "87433001": Condition.SEVERE_ASTHMA_OR_COPD,
    "90560007": Condition.GOUT,
    "41291007": Condition.ANGIOEDEMA,
    "302233006": Condition.RENAL_ARTERY_STENOSIS,
    "59927004": Condition.SEVERE_HEPATIC_IMPAIRMENT,
    "31992008": Condition.SECONDARY_HYPERTENSION,
    "88213004": Condition.SECONDARY_HYPERTENSION,
    "26929004": Condition.DEMENTIA,
    "230265002": Condition.DEMENTIA,
    "52448006": Condition.DEMENTIA,
    "248279007": Condition.FRAILTY,
}
HYPERTENSION: Final = frozenset({"38341003", "59621000"})
PREGNANT: Final = frozenset({"72892002", "77386006", "47200007"})

# Once is for ever: a resolved angioedema still forbids an ACE inhibitor.
NEVER_OVER: Final = frozenset(
    {
        Condition.ANGIOEDEMA,
        Condition.CORONARY_DISEASE,
        Condition.STROKE,
        Condition.TRANSPLANT,
        Condition.HEART_FAILURE,
    }
)

# Events that keep a patient out of autonomy for three months.
CARDIOVASCULAR_EVENTS: Final = frozenset({"22298006", "230690007", "410429000"})
RECENT_EVENT_DAYS: Final = 92

# Source: RxNorm; precise ingredients (salts) beside the ingredients that we write.
SUBSTANCES: Final[dict[str, Drug]] = {
    code: drug
    for drug, entry in FORMULARY.items()
    for code in (entry.rxnorm_ingredient, entry.rxnorm_precise)
    if code is not None
}

# Source: LOINC and UCUM. 88.4 µmol/L of creatinine is 1 mg/dL, so 1 mg/mmol of ACR is 8.84 mg/g.
_MOLAR: Final = {"mmol/L": Decimal(1), "meq/L": Decimal(1)}
_CREATININE: Final = {"mg/dL": Decimal(1), "umol/L": 1 / Decimal("88.4")}
# 33914-3 is by its own definition per 1.73 m², whichever of its two unit codes a record uses.
_EGFR: Final = {"mL/min/{1.73_m2}": Decimal(1), "mL/min": Decimal(1), "mL/min/1.73.m2": Decimal(1)}
_RATIO: Final = {"mg/g": Decimal(1), "mg/g{creat}": Decimal(1), "mg/mmol": Decimal("8.84")}
LABS: Final[dict[str, tuple[Lab, dict[str, Decimal]]]] = {
    "2823-3": (Lab.POTASSIUM, _MOLAR),
    "6298-4": (Lab.POTASSIUM, _MOLAR),
    "2951-2": (Lab.SODIUM, _MOLAR),
    "2947-0": (Lab.SODIUM, _MOLAR),
    "2160-0": (Lab.CREATININE, _CREATININE),
    "38483-4": (Lab.CREATININE, _CREATININE),
    "14682-9": (Lab.CREATININE, _CREATININE),
    "33914-3": (Lab.EGFR, _EGFR),
    "98979-8": (Lab.EGFR, _EGFR),
    "14959-1": (Lab.ALBUMIN_CREATININE_RATIO, _RATIO),
    "9318-7": (Lab.ALBUMIN_CREATININE_RATIO, _RATIO),
}

# What a living person's blood can hold, in thousandths of our unit; outside it, a unit is wrong.
PLAUSIBLE: Final[dict[Lab, tuple[int, int]]] = {
    Lab.POTASSIUM: (1_500, 10_000),
    Lab.SODIUM: (90_000, 200_000),
    Lab.CREATININE: (100, 30_000),
    Lab.EGFR: (1_000, 250_000),
    Lab.ALBUMIN_CREATININE_RATIO: (0, 25_000_000),
}

# The categories that no rule about medicines reads.
NOT_MEDICATION: Final = frozenset({"food", "environment", "biologic"})
