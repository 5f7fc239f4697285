"""Every alert code that a rule can answer to has its printed name."""

from services.fhir import codes, issues


def test_every_alert_code_is_known() -> None:
    used = {code for _, code in issues._WORDS} | {issues.DEFAULT_ISSUE}
    assert used <= set(codes.ISSUE_CODES)


def test_a_rule_about_nothing_listed_asks_for_action() -> None:
    assert issues.issue_code("something_new") == issues.DEFAULT_ISSUE
