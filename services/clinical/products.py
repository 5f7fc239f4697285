"""Products: RxNorm product and component codes to drugs and strengths; single pills.

Only what is here is understood: any other code is an unknown medicine, which counts toward the
number of drugs, ends the patient-alone path, and is listed for the clinician. Codes of one product
are never matched to another by likeness of name.

Source: RxNorm codes of the Synthea-generated bundles (see `demo/data`); ingredients RxNorm IN as in
the formulary [V]; check every code against RxNav before release.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.patient import OtherMedicineKind
from services.clinical.units import Micrograms


@dataclass(frozen=True, slots=True)
class Part:
    """One drug of the formulary in a tablet, with its strength."""

    drug: Drug
    strength_ug: Micrograms


@dataclass(frozen=True, slots=True)
class Foreign:
    """An ingredient outside the formulary, by what a rule needs to know of it."""

    kind: OtherMedicineKind
    antihypertensive: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """What one tablet (or other form) of an RxNorm product or component holds."""

    rxnorm: str
    name: str
    parts: tuple[Part, ...] = ()
    foreign: tuple[Foreign, ...] = ()


@dataclass(frozen=True, slots=True)
class SinglePill:
    """A marketed fixed combination. Source: AHA25 p42-43 [S]."""

    parts: tuple[Part, ...]


_HARMLESS = Foreign(OtherMedicineKind.HARMLESS)
_SPARING = Foreign(OtherMedicineKind.POTASSIUM_SPARING)
_NSAID = Foreign(OtherMedicineKind.NSAID)
_OTHER = Foreign(OtherMedicineKind.OTHER_ANTIHYPERTENSIVE, antihypertensive=True)
_VERAPAMIL = Foreign(OtherMedicineKind.VERAPAMIL_OR_DILTIAZEM, antihypertensive=True)
_D = Drug


def _product(
    rxnorm: str, name: str, *parts: tuple[Drug, int], foreign: tuple[Foreign, ...] = ()
) -> Product:
    made = tuple(Part(drug, Micrograms(strength_ug)) for drug, strength_ug in parts)
    return Product(rxnorm, name, made, foreign)


def _foreign(rxnorm: str, name: str, *foreign: Foreign) -> Product:
    return Product(rxnorm, name, (), foreign)


_PRODUCTS: tuple[Product, ...] = (
    _product("310798", "hydrochlorothiazide 25 mg tablet", (_D.HYDROCHLOROTHIAZIDE, 25_000)),
    _product("429503", "hydrochlorothiazide 12.5 mg", (_D.HYDROCHLOROTHIAZIDE, 12_500)),
    _product("316049", "hydrochlorothiazide 25 mg", (_D.HYDROCHLOROTHIAZIDE, 25_000)),
    _product("314076", "lisinopril 10 mg tablet", (_D.LISINOPRIL, 10_000)),
    _product("308136", "amlodipine 2.5 mg tablet", (_D.AMLODIPINE, 2_500)),
    _product("197361", "amlodipine 5 mg tablet", (_D.AMLODIPINE, 5_000)),
    _product("329528", "amlodipine 5 mg", (_D.AMLODIPINE, 5_000)),
    _product("866414", "metoprolol succinate 100 mg tablet", (_D.METOPROLOL, 100_000)),
    _product("999967", "amlodipine 5 / hydrochlorothiazide 12.5 / olmesartan 20 mg tablet",
             (_D.AMLODIPINE, 5_000), (_D.HYDROCHLOROTHIAZIDE, 12_500), (_D.OLMESARTAN, 20_000)),
    # Atenolol is a beta-blocker outside the formulary.
    _product("746030", "atenolol 50 / chlorthalidone 25 mg tablet",
             (_D.CHLORTHALIDONE, 25_000), foreign=(_OTHER,)),
    # Captopril is an ACE inhibitor outside the formulary.
    _foreign("833036", "captopril 25 mg tablet", _OTHER),
    _foreign("897718", "verapamil 40 mg", _VERAPAMIL),
    _foreign("315971", "furosemide 40 mg", _OTHER),
    _foreign("1719286", "furosemide 10 mg/mL injection", _OTHER),
    _foreign("849574", "naproxen sodium 220 mg tablet", _NSAID),
    _foreign("310965", "ibuprofen 200 mg tablet", _NSAID),
    _foreign("206905", "ibuprofen 400 mg tablet", _NSAID),
    _foreign("198405", "ibuprofen 100 mg tablet", _NSAID),
    _foreign("316672", "simvastatin 10 mg", _HARMLESS),
    _foreign("314231", "simvastatin 10 mg tablet", _HARMLESS),
    _foreign("312961", "simvastatin 20 mg tablet", _HARMLESS),
    _foreign("259255", "atorvastatin 80 mg tablet", _HARMLESS),
    _foreign("860975", "metformin 500 mg extended-release tablet", _HARMLESS),
    _foreign("106892", "insulin human 70/30", _HARMLESS),
    _foreign("856987", "acetaminophen 300 / hydrocodone 5 mg tablet", _HARMLESS),
    _foreign("1310197", "acetaminophen 300 / hydrocodone 10 mg", _HARMLESS),
    _foreign("1049221", "acetaminophen 325 / oxycodone 5 mg tablet", _HARMLESS),
    _foreign("1049504", "oxycodone 10 mg extended-release tablet", _HARMLESS),
    _foreign("1860154", "oxycodone 15 mg extended-release tablet", _HARMLESS),
    _foreign("245134", "fentanyl patch", _HARMLESS),
    _foreign("861467", "meperidine 50 mg tablet", _HARMLESS),
    _foreign("313782", "acetaminophen 325 mg tablet", _HARMLESS),
    _foreign("209387", "acetaminophen 325 mg tablet", _HARMLESS),
    _foreign("198440", "acetaminophen 500 mg tablet", _HARMLESS),
    _foreign("896209", "fluticasone/salmeterol inhaler", _HARMLESS),
    _foreign("895994", "fluticasone inhaler", _HARMLESS),
    _foreign("2123111", "albuterol inhaler", _HARMLESS),
    _foreign("745679", "albuterol inhaler", _HARMLESS),
    _foreign("245314", "albuterol 5 mg/mL inhalation solution", _HARMLESS),
    _foreign("309362", "clopidogrel 75 mg tablet", _HARMLESS),
    _foreign("855332", "warfarin 5 mg tablet", _HARMLESS),
    _foreign("243670", "aspirin 81 mg tablet", _HARMLESS),
    _foreign("854235", "enoxaparin 40 mg syringe", _HARMLESS),
    _foreign("854252", "enoxaparin 150 mg syringe", _HARMLESS),
    _foreign("562251", "amoxicillin/clavulanate tablet", _HARMLESS),
    _foreign("834102", "penicillin V 500 mg tablet", _HARMLESS),
    _foreign("834061", "penicillin V 250 mg tablet", _HARMLESS),
    _foreign("309097", "cefuroxime 250 mg tablet", _HARMLESS),
    _foreign("310325", "ferrous sulfate 325 mg tablet", _HARMLESS),
    _foreign("665078", "loratadine 5 mg tablet", _HARMLESS),
    _foreign("197378", "astemizole 10 mg tablet", _HARMLESS),
    _foreign("1049630", "diphenhydramine 25 mg tablet", _HARMLESS),
    _foreign("2001499", "vitamin B12 injection", _HARMLESS),
    _foreign("904419", "alendronic acid 10 mg tablet", _HARMLESS),
    _foreign("310436", "galantamine 4 mg tablet", _HARMLESS),
    _foreign("996740", "memantine solution", _HARMLESS),
    _foreign("106258", "hydrocortisone 10 mg/mL cream", _HARMLESS),
    _foreign("1870230", "epinephrine auto-injector", _HARMLESS),
    # Progestogen only; a combined pill with an oestrogen would raise the pressure.
    _foreign("757594", "norethisterone 0.35 mg pack (Jolivette)", _HARMLESS),
    _foreign("748962", "norethisterone 0.35 mg pack (Camila)", _HARMLESS),
    _foreign("831533", "norethisterone 0.35 mg pack (Errin)", _HARMLESS),
    _foreign("807283", "levonorgestrel 52 mg intrauterine system", _HARMLESS),
    _foreign("1856546", "levonorgestrel 19.5 mg intrauterine system", _HARMLESS),
    _foreign("1605257", "levonorgestrel 52 mg intrauterine system", _HARMLESS),
    # Drospirenone keeps potassium back. Source: label [K].
    _foreign("748856", "ethinylestradiol / drospirenone pack (Yaz)", _SPARING),
    # Nitrates lower the pressure; digoxin (197604) stays unknown on purpose: potassium matters.
    _foreign("705129", "nitroglycerin 0.4 mg spray", _OTHER),
)  # fmt: skip

PRODUCTS: Mapping[str, Product] = MappingProxyType({item.rxnorm: item for item in _PRODUCTS})

# Ingredient and precise-ingredient codes are no products: they say which drug, not how much.
INGREDIENTS: Mapping[str, Drug] = MappingProxyType(
    {
        code: drug
        for drug, entry in FORMULARY.items()
        for code in (entry.rxnorm_ingredient, entry.rxnorm_precise)
        if code is not None
    }
)


def _pill(*parts: tuple[Drug, int]) -> SinglePill:
    return SinglePill(tuple(Part(drug, Micrograms(strength_ug)) for drug, strength_ug in parts))


_T, _O, _A, _H = _D.TELMISARTAN, _D.OLMESARTAN, _D.AMLODIPINE, _D.HYDROCHLOROTHIAZIDE
_L, _LOS, _AZ, _CH, _IN = (
    _D.LISINOPRIL,
    _D.LOSARTAN,
    _D.AZILSARTAN,
    _D.CHLORTHALIDONE,
    _D.INDAPAMIDE,
)

SINGLE_PILLS: tuple[SinglePill, ...] = (
    *(_pill((_T, t), (_A, a)) for t in (40_000, 80_000) for a in (5_000, 10_000)),
    *(_pill((_O, o), (_A, a)) for o in (20_000, 40_000) for a in (5_000, 10_000)),
    _pill((_O, 20_000), (_A, 5_000), (_H, 12_500)),
    _pill((_O, 40_000), (_A, 5_000), (_H, 12_500)),
    _pill((_O, 40_000), (_A, 5_000), (_H, 25_000)),
    _pill((_O, 40_000), (_A, 10_000), (_H, 12_500)),
    _pill((_O, 40_000), (_A, 10_000), (_H, 25_000)),
    _pill((_L, 10_000), (_H, 12_500)),
    _pill((_L, 20_000), (_H, 12_500)),
    _pill((_L, 20_000), (_H, 25_000)),
    _pill((_LOS, 50_000), (_H, 12_500)),
    _pill((_LOS, 100_000), (_H, 12_500)),
    _pill((_LOS, 100_000), (_H, 25_000)),
    _pill((_AZ, 40_000), (_CH, 12_500)),
    _pill((_AZ, 40_000), (_CH, 25_000)),
    # Three drugs below every ladder: the patient-alone path never applies. Source: label [V].
    _pill((_T, 10_000), (_A, 1_250), (_IN, 625)),
    _pill((_T, 20_000), (_A, 2_500), (_IN, 1_250)),
    _pill((_T, 40_000), (_A, 5_000), (_IN, 2_500)),
)


def find_product(rxnorm: str) -> Product | None:
    """Return what a product or component code holds, or None for a code not known here."""
    return PRODUCTS.get(rxnorm)


def find_single_pill(doses_ug: Mapping[Drug, int]) -> SinglePill | None:
    """Return the marketed pill that holds exactly these daily doses, or None."""
    wanted = {drug: int(dose) for drug, dose in doses_ug.items()}
    return next(
        (
            pill
            for pill in SINGLE_PILLS
            if {part.drug: int(part.strength_ug) for part in pill.parts} == wanted
        ),
        None,
    )
