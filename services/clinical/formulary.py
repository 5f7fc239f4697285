"""Drug classes, drugs, and (in the table) their rungs in micrograms, each row cited."""

from enum import StrEnum


class DrugClass(StrEnum):
    """Classes as the guard's rules name them."""

    ACE_INHIBITOR = "ace_inhibitor"
    ARB = "arb"
    THIAZIDE = "thiazide"
    CALCIUM_CHANNEL_BLOCKER = "calcium_channel_blocker"
    BETA_BLOCKER = "beta_blocker"
    MRA = "mra"


class Drug(StrEnum):
    """Every drug that the loop may move. Anything else is an `OtherMedicine`."""

    LISINOPRIL = "lisinopril"
    ENALAPRIL = "enalapril"
    RAMIPRIL = "ramipril"
    PERINDOPRIL = "perindopril"
    BENAZEPRIL = "benazepril"
    LOSARTAN = "losartan"
    TELMISARTAN = "telmisartan"
    VALSARTAN = "valsartan"
    CANDESARTAN = "candesartan"
    OLMESARTAN = "olmesartan"
    IRBESARTAN = "irbesartan"
    AZILSARTAN = "azilsartan"
    CHLORTHALIDONE = "chlorthalidone"
    INDAPAMIDE = "indapamide"
    HYDROCHLOROTHIAZIDE = "hydrochlorothiazide"
    AMLODIPINE = "amlodipine"
    FELODIPINE = "felodipine"
    NIFEDIPINE = "nifedipine"
    BISOPROLOL = "bisoprolol"
    METOPROLOL = "metoprolol"
    NEBIVOLOL = "nebivolol"
    CARVEDILOL = "carvedilol"
    SPIRONOLACTONE = "spironolactone"
    EPLERENONE = "eplerenone"
