"""Every system, code and address that this folder writes or reads, in one place.

Source: HL7 FHIR R4 4.0.1 and its terminology; LOINC; SNOMED CT; AI Transparency on FHIR STU1
ballot; IHE BALP 1.1.
"""

from typing import Final

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.patient import Lab, Sex
from services.fhir.coding import Coding

# Reserved name: a deployment publishes the definitions under its own and changes this one line.
OWN: Final = "https://clinaiops.example/fhir"

UCUM: Final = "http://unitsofmeasure.org"
LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC: Final = "http://www.whocc.no/atc"
_HL7: Final = "http://terminology.hl7.org/CodeSystem"
ACT_CODE: Final = f"{_HL7}/v3-ActCode"

# --- AI Transparency on FHIR (STU1 ballot): its addresses live here and nowhere else.
AI_GUIDE: Final = "http://hl7.org/fhir/uv/aitransparency"
AI_DEVICE_PROFILE: Final = f"{AI_GUIDE}/StructureDefinition/AI-Device"
AI_PROVENANCE_PROFILE: Final = f"{AI_GUIDE}/StructureDefinition/AI-Provenance"
AI_CONFIDENCE: Final = f"{AI_GUIDE}/StructureDefinition/AIconfidence"
AI_DEVICE_TYPES: Final = f"{AI_GUIDE}/CodeSystem/AIdeviceTypeCS"
AI_DEVICE_TYPE: Final = Coding(
    AI_DEVICE_TYPES, "Artificial-Intelligence", "All kinds of Artificial Intelligence"
)
AI_ASSERTED: Final = Coding(
    f"{_HL7}/v3-ObservationValue", "AIAST", "Artificial Intelligence asserted"
)

# --- Labels
TEST_DATA: Final = Coding(f"{_HL7}/v3-ActReason", "HTEST", "test health data")

# --- Own extensions and code systems, published in services/fhir/definitions.py
EXTENSION_LIMITS: Final = f"{OWN}/StructureDefinition/autonomy-limits"
EXTENSION_MOVE: Final = f"{OWN}/StructureDefinition/proposed-move"
EXTENSION_STANDING: Final = f"{OWN}/StructureDefinition/minutes-standing"
SYSTEM_RULE: Final = f"{OWN}/CodeSystem/guard-rule"
SYSTEM_VERDICT: Final = f"{OWN}/CodeSystem/verdict"
SYSTEM_REASON: Final = f"{OWN}/CodeSystem/decision-reason"
SYSTEM_TASK: Final = f"{OWN}/CodeSystem/task"
SYSTEM_DRUG: Final = f"{OWN}/CodeSystem/drug"
SYSTEM_AUDIT: Final = f"{OWN}/CodeSystem/audit-action"
SYSTEM_STAGE: Final = f"{OWN}/CodeSystem/autonomy-stage"
PROTOCOL_URL: Final = f"{OWN}/PlanDefinition/home-titration"
SYSTEM_PSEUDONYM: Final = f"{OWN}/sid/pseudonym"
SYSTEM_MODEL: Final = f"{OWN}/sid/model"

# --- R4 extension from the core specification
BODY_POSITION: Final = "http://hl7.org/fhir/StructureDefinition/observation-bodyPosition"

# --- Observations
VITAL_SIGNS: Final = Coding(f"{_HL7}/observation-category", "vital-signs", "Vital Signs")
LABORATORY: Final = Coding(f"{_HL7}/observation-category", "laboratory", "Laboratory")
BP_PROFILE: Final = "http://hl7.org/fhir/StructureDefinition/bp"
HEART_RATE_PROFILE: Final = "http://hl7.org/fhir/StructureDefinition/heartrate"
BP_PANEL: Final = Coding(LOINC, "85354-9", "Blood pressure panel with all children optional")
BP_PANEL_OLD: Final = Coding(LOINC, "55284-4", "Blood pressure systolic and diastolic")
SYSTOLIC: Final = Coding(LOINC, "8480-6", "Systolic blood pressure")
DIASTOLIC: Final = Coding(LOINC, "8462-4", "Diastolic blood pressure")
HEART_RATE: Final = Coding(LOINC, "8867-4", "Heart rate")
BODY_WEIGHT: Final = Coding(LOINC, "29463-7", "Body weight")
AVERAGE_PANEL: Final = Coding(
    LOINC, "96607-7", "Blood pressure panel mean systolic and mean diastolic"
)
AVERAGE_SYSTOLIC: Final = Coding(LOINC, "96608-5", "Systolic blood pressure mean")
AVERAGE_DIASTOLIC: Final = Coding(LOINC, "96609-3", "Diastolic blood pressure mean")
CUFF_METHOD: Final = Coding(f"{OWN}/CodeSystem/method", "home-cuff", "Validated home cuff monitor")
SITTING: Final = Coding(SNOMED, "33586001", "Sitting position")
STANDING: Final = Coding(SNOMED, "10904000", "Orthostatic body position")
LYING: Final = Coding(SNOMED, "102538003", "Recumbent body position")

LABS: Final[dict[Lab, tuple[Coding, str]]] = {
    Lab.POTASSIUM: (Coding(LOINC, "2823-3", "Potassium in Serum or Plasma"), "mmol/L"),
    Lab.SODIUM: (Coding(LOINC, "2951-2", "Sodium in Serum or Plasma"), "mmol/L"),
    Lab.CREATININE: (Coding(LOINC, "2160-0", "Creatinine in Serum or Plasma"), "mg/dL"),
    Lab.EGFR: (
        Coding(LOINC, "33914-3", "Glomerular filtration rate predicted (MDRD)"),
        "mL/min/{1.73_m2}",
    ),
    Lab.ALBUMIN_CREATININE_RATIO: (
        Coding(LOINC, "14959-1", "Microalbumin/Creatinine in Urine"),
        "mg/g",
    ),
}
"""What we write for each test: one code and one unit."""

INGREDIENTS: Final[dict[Drug, str]] = {
    drug: entry.rxnorm_ingredient for drug, entry in FORMULARY.items()
}
"""What we write for each drug: the RxNorm ingredient."""

# --- Sex
SEXES: Final[dict[str, Sex]] = {"female": Sex.FEMALE, "male": Sex.MALE}

# --- Roles in a Provenance
AUTHOR: Final = Coding(f"{_HL7}/provenance-participant-type", "author", "Author")
VERIFIER: Final = Coding(f"{_HL7}/provenance-participant-type", "verifier", "Verifier")
AUTHORISER: Final = Coding(f"{_HL7}/v3-ParticipationType", "RESP", "responsible party")
ACT_CREATE: Final = Coding(f"{_HL7}/v3-DataOperation", "CREATE", "create")
ACT_UPDATE: Final = Coding(f"{_HL7}/v3-DataOperation", "UPDATE", "revise")


# --- Orders
COMMUNITY: Final = Coding(f"{_HL7}/medicationrequest-category", "community", "Community")
EVERY_DAY_UNIT: Final = "d"

# --- What a finding is about (v3-ActCode). Source: FHIR R4, value set detectedissue-category.
ISSUE_CODES: Final[dict[str, Coding]] = {
    code: Coding(ACT_CODE, code, display)
    for code, display in (
        ("DRG", "Drug Interaction Alert"),
        ("DOSEH", "High Dose Alert"),
        ("DOSEL", "Low Dose Alert"),
        ("DUPTHPY", "Duplicate Therapy Alert"),
        ("ALGY", "Allergy Alert"),
        ("DINT", "Intolerance Alert"),
        ("PREG", "Pregnancy Alert"),
        ("COND", "Condition Alert"),
        ("LAB", "Lab Alert"),
        ("OBSA", "Observation Alert"),
        ("ACTN", "Action Required"),
    )
}
