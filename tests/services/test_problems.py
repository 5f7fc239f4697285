"""Problem documents: every code has a status and a title in both languages."""

import pytest

from services.problems import (
    FieldError,
    Problem,
    ProblemCode,
    json_pointer,
    language_of,
)


@pytest.mark.parametrize("code", ProblemCode)
def test_every_code_makes_a_document_in_both_languages(code: ProblemCode) -> None:
    english, chinese = Problem(code).document("en"), Problem(code).document("zh-CN")
    assert english["type"] == f"urn:clinaiops:problem:{code.value}"
    assert english["code"] == code.value
    assert isinstance(english["status"], int) and 400 <= english["status"] < 600
    assert english["title"] != chinese["title"]
    assert str(english["title"]).isascii() and not str(chinese["title"]).isascii()


def test_errors_and_detail_appear_only_when_there_are_any() -> None:
    bare = Problem(ProblemCode.INVALID_INPUT).document()
    assert "errors" not in bare and "detail" not in bare
    full = Problem(
        ProblemCode.INVALID_INPUT, "two fields", (FieldError("/items/0/unit", "is needed"),)
    ).document()
    assert full["errors"] == [{"pointer": "/items/0/unit", "detail": "is needed"}]
    assert full["detail"] == "two fields"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("zh", "zh-CN"),
        ("en-GB", "en"),
        ("en;q=0.5, zh;q=0.6", "zh-CN"),
        ("fr, de;q=0.9", "en"),
        ("fr, zh;q=0.1", "zh-CN"),
        ("zh;q=0, en", "en"),
        ("zh;q=abc", "en"),
        ("," * 10_000, "en"),
    ],
)
def test_the_language_follows_the_header(header: str | None, language: str) -> None:
    assert language_of(header) == language


def test_a_pointer_escapes_its_two_special_characters() -> None:
    assert json_pointer(("items", 0, "a/b~c")) == "/items/0/a~1b~0c"
