"""Whole micrograms and mmHg, and the only conversion between dose text and a dose."""

import re
from typing import NewType

Micrograms = NewType("Micrograms", int)
Mmhg = NewType("Mmhg", int)

_MICROGRAMS_PER_UNIT = {"mg": 1000, "µg": 1, "ug": 1, "mcg": 1, "microgram": 1, "micrograms": 1}
_DOSE = re.compile(r"(\d{1,7})(?:\.(\d{1,3}))?\s*([a-zµ]+)")


class UnreadableDose(ValueError):
    """The text is not a dose in milligrams or micrograms. Ask for it again with its unit."""


def parse_dose(text: str) -> Micrograms:
    """Return the dose of "12.5 mg" or "250 µg" in whole micrograms.

    Nothing is rounded and no unit is assumed.

    Raises:
        UnreadableDose: no number, no unit, a unit other than mg or µg, or a fraction of a µg.
    """
    match = _DOSE.fullmatch(text.strip().lower().replace("μ", "µ"))
    if match is None or match[3] not in _MICROGRAMS_PER_UNIT:
        raise UnreadableDose(f"{text!r} is not a dose: write a number and mg or µg, such as 5 mg")
    whole, fraction, unit = match[1], (match[2] or ""), match[3]
    thousandths = int(whole) * 1000 + int(fraction.ljust(3, "0") or 0)
    micrograms, remainder = divmod(thousandths * _MICROGRAMS_PER_UNIT[unit], 1000)
    if remainder:
        raise UnreadableDose(f"{text!r} is finer than one microgram")
    return Micrograms(micrograms)


def format_dose(dose_ug: Micrograms) -> str:
    """Return the dose in milligrams as a clinician writes it: "2.5 mg", no trailing zero."""
    whole, thousandths = divmod(dose_ug, 1000)
    fraction = f"{thousandths:03d}".rstrip("0")
    return f"{whole}.{fraction} mg" if fraction else f"{whole} mg"
