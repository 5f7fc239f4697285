"""Nothing that a patient may meet is without words in either language."""

import pytest

from patient_gateway.texts import (
    asked_text,
    change_text,
    drug_name,
    emergency_number,
    instructions,
    read_back_text,
)
from services.clinical.alarms import Urgency
from services.clinical.formulary import Drug
from services.loop_results import ReminderReason
from services.problems import LANGUAGES


@pytest.mark.parametrize("urgency", Urgency)
def test_every_alarm_says_what_to_do_and_whom_to_call(urgency: Urgency) -> None:
    told = {language: instructions(urgency, language, "112") for language in LANGUAGES}
    assert told["en"].title != told["zh-CN"].title
    for found in told.values():
        assert any("112" in line for line in found.lines)
        assert not any("{" in line for line in found.lines)


def test_every_drug_and_reminder_has_its_words() -> None:
    names = {drug_name(drug, "zh-CN") for drug in Drug}
    assert len(names) == len(Drug) and not any(name.isascii() for name in names)
    for reason in ReminderReason:
        assert asked_text(reason, "en") != asked_text(reason, "zh-CN")


@pytest.mark.parametrize(
    ("timezone", "number"),
    [
        ("Asia/Shanghai", "120"),
        ("America/New_York", "911"),
        ("Europe/London", "999"),
        ("Europe/Berlin", "112"),
        ("UTC", "112"),
    ],
)
def test_the_emergency_number_is_the_patients_own(timezone: str, number: str) -> None:
    assert emergency_number(timezone) == number


def test_a_change_and_a_stop_are_read_back_whole() -> None:
    up = change_text(Drug.AMLODIPINE, "5 mg", "10 mg", "en")
    stop = change_text(Drug.LOSARTAN, "50 mg", None, "en")
    assert up == "Amlodipine: from 5 mg a day to 10 mg a day"
    assert stop == "Losartan: from 50 mg a day to none"
    assert up in read_back_text((up, stop), "en") and stop in read_back_text((up, stop), "en")
    assert "停用" in change_text(Drug.LOSARTAN, "50 mg", None, "zh-CN")
