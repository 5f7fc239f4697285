"""RxNorm products and components, by what a rule needs to know of them: drug and strength.

Requests from a record name products ("lisinopril 10 MG Oral Tablet"), never ingredients. A code
that is not here is unknown: it counts as a medicine, ends the patient-alone path and is listed
for the clinician.

Source: RxNorm names (US National Library of Medicine), each code with its printed name as the
vendored records carry it [V]; what each medicine is to a rule [K].
"""

from dataclasses import dataclass
from typing import Final

from services.clinical.formulary import Drug
from services.clinical.patient import OtherMedicineKind
from services.clinical.units import Micrograms, parse_dose


@dataclass(frozen=True, slots=True)
class Component:
    """One drug of the formulary in a product, and how much of it one tablet holds."""

    drug: Drug
    strength_ug: Micrograms


@dataclass(frozen=True, slots=True)
class Other:
    """An ingredient outside the formulary, by what it is to a rule."""

    kind: OtherMedicineKind
    antihypertensive: bool


@dataclass(frozen=True, slots=True)
class Product:
    """What one product holds. A single pill holds several components."""

    name: str
    components: tuple[Component, ...]
    others: tuple[Other, ...]


_HARMLESS: Final = Other(OtherMedicineKind.HARMLESS, antihypertensive=False)
_NSAID: Final = Other(OtherMedicineKind.NSAID, antihypertensive=False)
_SPARING: Final = Other(OtherMedicineKind.POTASSIUM_SPARING, antihypertensive=False)
_NON_DHP: Final = Other(OtherMedicineKind.VERAPAMIL_OR_DILTIAZEM, antihypertensive=True)
_LOWERS: Final = Other(OtherMedicineKind.OTHER_ANTIHYPERTENSIVE, antihypertensive=True)

_FORMULARY: Final[tuple[tuple[str, str, tuple[tuple[Drug, str], ...]], ...]] = (
    ("310798", "Hydrochlorothiazide 25 MG Oral Tablet", ((Drug.HYDROCHLOROTHIAZIDE, "25 mg"),)),
    ("316049", "Hydrochlorothiazide 25 MG", ((Drug.HYDROCHLOROTHIAZIDE, "25 mg"),)),
    ("429503", "Hydrochlorothiazide 12.5 MG", ((Drug.HYDROCHLOROTHIAZIDE, "12.5 mg"),)),
    ("314076", "lisinopril 10 MG Oral Tablet", ((Drug.LISINOPRIL, "10 mg"),)),
    ("308136", "amlodipine 2.5 MG Oral Tablet", ((Drug.AMLODIPINE, "2.5 mg"),)),
    ("197361", "amlodipine 5 MG Oral Tablet", ((Drug.AMLODIPINE, "5 mg"),)),
    (
        "999967",
        "amlodipine 5 MG / Hydrochlorothiazide 12.5 MG / Olmesartan medoxomil 20 MG Oral Tablet",
        (
            (Drug.AMLODIPINE, "5 mg"),
            (Drug.HYDROCHLOROTHIAZIDE, "12.5 mg"),
            (Drug.OLMESARTAN, "20 mg"),
        ),
    ),
    (
        "866414",
        "24 HR metoprolol succinate 100 MG Extended Release Oral Tablet [Toprol]",
        ((Drug.METOPROLOL, "100 mg"),),
    ),
)

_OTHER: Final[tuple[tuple[str, str, Other], ...]] = (
    ("206905", "Ibuprofen 400 MG Oral Tablet [Ibu]", _NSAID),
    ("310965", "Ibuprofen 200 MG Oral Tablet", _NSAID),
    ("198405", "Ibuprofen 100 MG Oral Tablet", _NSAID),
    ("849574", "Naproxen sodium 220 MG Oral Tablet", _NSAID),
    ("897718", "Verapamil Hydrochloride 40 MG", _NON_DHP),
    # An ACE inhibitor outside the ladders: it lowers pressure, and only a clinician goes on.
    ("833036", "Captopril 25 MG Oral Tablet", _LOWERS),
    ("315971", "Lasix 40mg", _LOWERS),
    ("1719286", "10 ML Furosemide 10 MG/ML Injection", _LOWERS),
    ("705129", "Nitroglycerin 0.4 MG/ACTUAT Mucosal Spray", _LOWERS),
    # Drospirenone holds back potassium as spironolactone does.
    ("748856", "Yaz 28 Day Pack", _SPARING),
    # Simvastatin of 20 mg or less: the amlodipine rule begins above it.
    ("316672", "Simvastatin 10 MG", _HARMLESS),
    ("314231", "Simvastatin 10 MG Oral Tablet", _HARMLESS),
    ("312961", "Simvastatin 20 MG Oral Tablet", _HARMLESS),
    ("259255", "Atorvastatin 80 MG Oral Tablet", _HARMLESS),
    ("860975", "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet", _HARMLESS),
    ("106892", "insulin human, isophane 70 / regular 30 Injectable Suspension", _HARMLESS),
    ("313782", "Acetaminophen 325 MG Oral Tablet", _HARMLESS),
    ("209387", "Acetaminophen 325 MG Oral Tablet [Tylenol]", _HARMLESS),
    ("198440", "Acetaminophen 500 MG Oral Tablet", _HARMLESS),
    ("855332", "Warfarin Sodium 5 MG Oral Tablet", _HARMLESS),
    ("309362", "Clopidogrel 75 MG Oral Tablet", _HARMLESS),
    ("197604", "Digoxin 0.125 MG Oral Tablet", _HARMLESS),
    ("895994", "120 ACTUAT Fluticasone propionate 0.044 MG/ACTUAT Inhaler", _HARMLESS),
    ("896209", "60 ACTUAT Fluticasone / salmeterol Dry Powder Inhaler", _HARMLESS),
    ("2123111", "200 ACTUAT Albuterol 0.09 MG/ACTUAT Metered Dose Inhaler", _HARMLESS),
    ("745679", "200 ACTUAT Albuterol 0.09 MG/ACTUAT Metered Dose Inhaler", _HARMLESS),
    ("665078", "Loratadine 5 MG Chewable Tablet", _HARMLESS),
    ("1049630", "diphenhydramine Hydrochloride 25 MG Oral Tablet", _HARMLESS),
    ("310325", "ferrous sulfate 325 MG Oral Tablet", _HARMLESS),
    ("904419", "Alendronic acid 10 MG Oral Tablet", _HARMLESS),
    ("106258", "Hydrocortisone 10 MG/ML Topical Cream", _HARMLESS),
    ("2001499", "Vitamin B 12 5 MG/ML Injectable Solution", _HARMLESS),
    ("1870230", "0.3 ML Epinephrine 1 MG/ML Auto-Injector", _HARMLESS),
    ("757594", "Jolivette 28 Day Pack", _HARMLESS),
    ("748962", "Camila 28 Day Pack", _HARMLESS),
    ("831533", "Errin 28 Day Pack", _HARMLESS),
    ("807283", "Mirena 52 MG Intrauterine System", _HARMLESS),
    ("1856546", "Kyleena 19.5 MG Intrauterine System", _HARMLESS),
    ("1605257", "Liletta 52 MG Intrauterine System", _HARMLESS),
)

_ATENOLOL_CHLORTHALIDONE: Final = Product(
    name="Atenolol 50 MG / Chlorthalidone 25 MG Oral Tablet",
    components=(Component(Drug.CHLORTHALIDONE, parse_dose("25 mg")),),
    others=(_LOWERS,),
)

PRODUCTS: Final[dict[str, Product]] = {
    **{
        code: Product(
            name=name,
            components=tuple(Component(drug, parse_dose(dose)) for drug, dose in held),
            others=(),
        )
        for code, name, held in _FORMULARY
    },
    **{code: Product(name=name, components=(), others=(other,)) for code, name, other in _OTHER},
    "746030": _ATENOLOL_CHLORTHALIDONE,
}


def product(rxnorm_code: str) -> Product | None:
    """Return what the product or component holds; None when the code is not known here."""
    return PRODUCTS.get(rxnorm_code)
