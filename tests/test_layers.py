"""The import rules: contracts that forbid, and an allow-list where forbidding is not enough."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What a pure folder may import beside itself. A forbidden list would pass any library not on it.
ALLOWED = {
    "services/clinical": {"services.clinical"},
    "services/audit": {"services.audit", "services.clinical"},
}
# In the standard library, and yet not pure: the clock, the disk, the network, chance.
IMPURE = {"os", "pathlib", "time", "random", "secrets", "socket", "subprocess", "uuid", "asyncio"}


def imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names.add(node.module or "")
    return names


def pure_files() -> list[tuple[str, Path]]:
    return [
        (folder, file)
        for folder in ALLOWED
        for file in sorted((ROOT / folder).glob("**/*.py"))
        if file.name != "__main__.py"
    ]


@pytest.mark.parametrize(("folder", "file"), pure_files(), ids=lambda value: str(value)[-40:])
def test_a_pure_folder_imports_itself_and_the_pure_standard_library_only(
    folder: str, file: Path
) -> None:
    for name in imports(file):
        top = name.split(".")[0]
        ours = any(name == allowed or name.startswith(f"{allowed}.") for allowed in ALLOWED[folder])
        assert ours or (top in sys.stdlib_module_names and top not in IMPURE), f"{file}: {name}"


def test_there_are_pure_files_to_check() -> None:
    assert len(pure_files()) > 15


def test_every_import_contract_holds() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--config", "pyproject.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
