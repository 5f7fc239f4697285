"""Rules of drugs and conditions: contraindications, interactions, duplicates, allergy."""

from services.clinical.facts import DRUGS
from services.clinical.formulary import Drug, DrugClass
from services.clinical.logic import Flag, some
from services.clinical.patient import Condition, OtherMedicineKind, Symptom
from services.clinical.rule import Direction, Rule, ask, hold, need, refuse
from services.clinical.verdict import FindingKind, Strength
from services.clinical.vocabulary import (
    ACE,
    ARB,
    BETA,
    DIURETICS,
    KIDNEY_ACTIVE,
    MRA,
    POTASSIUM_RAISING,
    PREGNANCY_MATTERS,
    RAS,
    STARTS,
    THIAZIDE,
    after,
    count_on_order,
    drug_count,
    drug_raised,
    has,
    heart_rate,
    intolerant,
    lowest_systolic,
    on_order,
    pregnancy_risk,
    raised,
    started,
    stopped_above_lowest,
    symptom,
    takes,
)

_C, _M = Condition, OtherMedicineKind
_AT_RISK = pregnancy_risk.equals(1)
_PREGNANCY_SOURCE = "boxed warning of the labels [V]; AHA25 p58, p62 [S]"
_DUAL_SOURCE = "meta-analysis of 68,405 patients: hyperkalaemia +55 %, renal failure +41 % [V]"
_SMPC = "bisoprolol SmPC [V]"
_UNKNOWN_LIST = "CLINICAL: missing is never normal"

PREGNANCY_RULES: tuple[Rule, ...] = (
    refuse("pregnancy", _AT_RISK & raised(*POTASSIUM_RAISING), _PREGNANCY_SOURCE,
           "Pregnant or possibly so: no ACE inhibitor, ARB or MRA.", hard=True),
    need("need_pregnancy_status", "pregnancy",
         PREGNANCY_MATTERS & pregnancy_risk.unknown & raised(*POTASSIUM_RAISING),
         _PREGNANCY_SOURCE, "Pregnancy status is needed before this class.", hard=True),
    ask("pregnancy_care", _AT_RISK, "AHA25 p58: goal <140/90, its own drugs [S]",
        "Pregnant or possibly so: treatment belongs to the clinician."),
    need("pregnancy_status_unknown", "pregnancy", PREGNANCY_MATTERS & pregnancy_risk.unknown,
         "CLINICAL §4 further block rows", "Pregnancy status is not on record."),
)  # fmt: skip

LIST_RULES: tuple[Rule, ...] = (
    need("need_conditions", "conditions", ~Flag("conditions_known"), _UNKNOWN_LIST,
         "The list of conditions is not complete.", hard=True),
    need("need_medicines", "medicines", ~Flag("medicines_known"), _UNKNOWN_LIST,
         "The list of medicines is not complete.", hard=True),
    need("need_intolerances", "intolerances", ~Flag("intolerances_known"), _UNKNOWN_LIST,
         "The list of allergies and intolerances is not complete."),
)  # fmt: skip

CLASS_RULES: tuple[Rule, ...] = (
    refuse("ace_with_arb", on_order(ACE) & on_order(ARB), _DUAL_SOURCE,
           "An ACE inhibitor and an ARB may not be taken together.", hard=True),
    refuse("ras_with_aliskiren", takes(_M.ALISKIREN) & raised(*RAS), _DUAL_SOURCE,
           "Aliskiren may not be taken with an ACE inhibitor or an ARB.", hard=True),
    refuse("ras_with_arni", takes(_M.ARNI) & raised(*RAS), "label; no ACEi within 36 h of ARNI [K]",
           "Sacubitril/valsartan may not be taken with an ACE inhibitor or an ARB.", hard=True),
    refuse("two_of_a_class", some(*(count_on_order(cls) > 1 for cls in DrugClass)),
           "CLINICAL §4 further block rows", "Two drugs of one class.", hard=True),
    refuse("angioedema_ace", has(_C.ANGIOEDEMA) & raised(ACE), "label [V]",
           "Angioedema on record: never an ACE inhibitor.", hard=True),
    ask("angioedema_arb", has(_C.ANGIOEDEMA) & raised(ARB), "CLINICAL §4 [K]",
        "Angioedema on record: an ARB is the clinician's decision."),
    refuse("renal_artery_stenosis", has(_C.RENAL_ARTERY_STENOSIS) & raised(*RAS), "label [V]",
           "Renal artery stenosis: no ACE inhibitor or ARB."),
    refuse("intolerance", some(*(intolerant(d) & drug_raised(d) for d in DRUGS)),
           "CLINICAL §4 further block rows", "Allergy or intolerance to this drug is on record."),
    refuse("gout_thiazide", has(_C.GOUT) & raised(THIAZIDE), "BHS, ESC tables [V]",
           "Gout: no thiazide."),
    hold("sick_day", symptom(Symptom.VOMITING_OR_DIARRHOEA), "CCJM [V]",
         "Vomiting or diarrhoea: no increase until well again."),
    hold("surgery_ras", has(_C.PLANNED_SURGERY) & raised(*RAS), "AHA25 p71 [S]",
         "Surgery is planned: no increase of an ACE inhibitor or ARB before it."),
    ask("resistant", (drug_count >= 3) & (STARTS >= 1), "AHA25 p63 [S]",
        "Above goal on three drugs: resistant hypertension, look for a cause first."),
)  # fmt: skip

MEDICINE_RULES: tuple[Rule, ...] = (
    hold("nsaid_triple",
         takes(_M.NSAID) & on_order(*DIURETICS) & on_order(*RAS) & raised(*KIDNEY_ACTIVE),
         "BMJ 2013: acute kidney injury RR 1.31, 1.82 in the first 30 days [V]",
         "NSAID with a diuretic and a RAS blocker: no increase of either."),
    ask("lithium", takes(_M.LITHIUM) & raised(*RAS, *DIURETICS), "CLINICAL §4 [K]",
        "Lithium: its level rises with this class."),
    ask("trimethoprim", takes(_M.TRIMETHOPRIM) & raised(*POTASSIUM_RAISING), "CLINICAL §4 [K]",
        "Trimethoprim: potassium rises with this class."),
    ask("potassium_supplement_ras", takes(_M.POTASSIUM_SUPPLEMENT) & raised(*RAS),
        "CLINICAL §4 [K]", "Potassium supplement with a RAS blocker."),
    refuse("mra_with_potassium",
           (takes(_M.POTASSIUM_SUPPLEMENT) | takes(_M.POTASSIUM_SPARING)) & raised(MRA),
           "CLINICAL §4 further block rows; eplerenone label [V]",
           "An MRA with a potassium supplement or another potassium-sparing drug."),
    ask("simvastatin_amlodipine",
        takes(_M.SIMVASTATIN_OVER_20_MG) & drug_raised(Drug.AMLODIPINE), "CLINICAL §4 [K]",
        "Amlodipine with more than 20 mg of simvastatin."),
    refuse("eplerenone_strong_inhibitor",
           takes(_M.STRONG_CYP3A4_INHIBITOR) & drug_raised(Drug.EPLERENONE), "eplerenone label [V]",
           "Eplerenone may not be taken with a strong CYP3A4 inhibitor.", hard=True),
    ask("eplerenone_moderate_inhibitor",
        takes(_M.MODERATE_CYP3A4_INHIBITOR) & drug_raised(Drug.EPLERENONE)
        & (after(Drug.EPLERENONE) > 25_000), "CLINICAL §3 [K]",
        "With a moderate CYP3A4 inhibitor eplerenone stays at its lowest dose."),
    refuse("beta_blocker_verapamil", takes(_M.VERAPAMIL_OR_DILTIAZEM) & raised(BETA), _SMPC,
           "Beta-blocker with verapamil or diltiazem.", hard=True),
    ask("other_antihypertensive",
        (takes(_M.OTHER_ANTIHYPERTENSIVE) | takes(_M.CLONIDINE) | takes(_M.UNKNOWN))
        & (STARTS >= 1), "[D] its class is not known to the loop",
        "A medicine outside the formulary may be of the same class: check before starting one."),
)  # fmt: skip

BETA_BLOCKER_RULES: tuple[Rule, ...] = (
    refuse("beta_blocker_av_block", has(_C.AV_BLOCK_2_3) & ~has(_C.PACEMAKER) & raised(BETA),
           _SMPC, "AV block without a pacemaker: no beta-blocker."),
    refuse("beta_blocker_sick_sinus", has(_C.SICK_SINUS) & ~has(_C.PACEMAKER) & raised(BETA),
           _SMPC, "Sick sinus without a pacemaker: no beta-blocker."),
    refuse("beta_blocker_airways", has(_C.SEVERE_ASTHMA_OR_COPD) & raised(BETA), _SMPC,
           "Severe asthma or COPD: no beta-blocker."),
    refuse("beta_blocker_decompensated", has(_C.HEART_FAILURE_DECOMPENSATED) & raised(BETA),
           _SMPC, "Decompensated heart failure: no beta-blocker."),
    refuse("carvedilol_asthma",
           (has(_C.ASTHMA) | has(_C.SEVERE_ASTHMA_OR_COPD)) & drug_raised(Drug.CARVEDILOL),
           "carvedilol label [V]", "Asthma: no carvedilol."),
    refuse("carvedilol_liver",
           has(_C.SEVERE_HEPATIC_IMPAIRMENT) & drug_raised(Drug.CARVEDILOL),
           "carvedilol label [V]", "Severe liver disease: no carvedilol."),
    refuse("beta_blocker_slow_start", started(BETA) & (heart_rate < 60), _SMPC,
           "Heart rate under 60: no start of a beta-blocker."),
    refuse("beta_blocker_low_start", started(BETA) & (lowest_systolic < 100), _SMPC,
           "Systolic pressure under 100: no start of a beta-blocker."),
    hold("beta_blocker_slow", raised(BETA) & (heart_rate < 55), "convention [K]",
         "Heart rate under 55: no increase of a beta-blocker."),
    need("need_heart_rate", "heart_rate", raised(BETA) & heart_rate.unknown, _SMPC,
         "Heart rate is needed before a beta-blocker."),
    Rule("beta_blocker_taper", FindingKind.REFUSE, Strength.CLINICIAN, Direction.CHANGE,
         stopped_above_lowest(BETA), _SMPC,
         "A beta-blocker is never stopped abruptly: step down rung by rung first."),
)  # fmt: skip

DRUG_RULES: tuple[Rule, ...] = (
    PREGNANCY_RULES + LIST_RULES + CLASS_RULES + MEDICINE_RULES + BETA_BLOCKER_RULES
)
