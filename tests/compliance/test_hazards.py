"""The hazard table may name only what is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (H\d\d) \|")


def rows() -> list[list[str]]:
    lines = (ROOT / "compliance/hazards.md").read_text().splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if ROW.match(line)]


@pytest.mark.parametrize("row", rows(), ids=lambda row: str(row[0]))
def test_every_hazard_has_a_control_that_exists_and_a_test_that_exists(row: list[str]) -> None:
    _, hazard, severity, control, file, test = row
    assert hazard and control
    assert severity in {"S", "M"}
    assert (ROOT / file).is_file(), file
    path, name = test.split("::")
    tree = ast.parse((ROOT / path).read_text())
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, kinds)}, test


def test_hazards_are_numbered_without_a_gap() -> None:
    assert [row[0] for row in rows()] == [f"H{n:02d}" for n in range(1, len(rows()) + 1)]
    assert len(rows()) >= 25
