"""Codes: readable over the telephone, random, and stored as digests that cannot be mixed up."""

import re

import pytest

from services.access.codes import (
    enrolment_code_digest,
    new_enrolment_code,
    new_refresh_token,
    refresh_token_digest,
)


def test_a_code_has_no_letters_that_look_alike() -> None:
    for _ in range(50):
        assert re.fullmatch(
            r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", new_enrolment_code()
        )


def test_codes_and_tokens_do_not_repeat() -> None:
    assert len({new_enrolment_code() for _ in range(200)}) == 200
    assert len({new_refresh_token() for _ in range(200)}) == 200


@pytest.mark.parametrize(
    "typed", ["7k3m-q0zd-94t1", "7K3MQ0ZD94T1", "7K3M QOZD 94TL", "7k3mqozd94ti"]
)
def test_a_code_may_be_typed_in_any_of_its_ways(typed: str) -> None:
    assert enrolment_code_digest(typed) == enrolment_code_digest("7K3M-Q0ZD-94T1")


def test_the_same_text_has_different_digests_as_code_and_as_token() -> None:
    assert enrolment_code_digest("AAAA") != refresh_token_digest("AAAA")
