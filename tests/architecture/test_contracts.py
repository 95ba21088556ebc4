"""The import contracts of pyproject.toml hold, and each of them catches what it is there for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.measure import largest_cycle

ROOT = Path(__file__).resolve().parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the tree in `folder`, with that tree's own sources first on the path."""
    command = (
        "import sys; from importlinter.cli import lint_imports_command as run; sys.argv = sys.argv[:1]; run()"
    )
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}", "COLUMNS": "300"}
    return subprocess.run(
        [sys.executable, "-c", command],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources in which something can be planted."""
    shutil.copytree(ROOT / "src" / "fettle", tmp_path / "src" / "fettle", ignore=only_python)
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "floor_plan.py", tmp_path / "tools")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def only_python(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py") and not (Path(folder) / name).is_dir()]


def test_all_contracts_are_kept():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_no_import_cycle_counting_imports_inside_functions():
    assert largest_cycle() == set()


UPWARD = "\nfrom fettle.registry import records as planted\n"
LAZY = "\n\ndef planted() -> None:\n    from fettle.workspace import open\n"


@pytest.mark.parametrize(
    ("module", "code", "contract"),
    [
        pytest.param("core/ids.py", UPWARD, "lifecycle", id="an upward import"),
        pytest.param("registry/records.py", LAZY, "lifecycle", id="an upward import inside a function"),
        pytest.param("data/records.py", "\nimport fettle.tracking\n", "lifecycle", id="a sideways import"),
        pytest.param("helpers/__init__.py", "", "lifecycle", id="a room without a place"),
        pytest.param(
            "registry/records.py",
            "\nimport fettle.registry.store\n",
            "floor plan",
            id="records use the store",
        ),
        pytest.param(
            "registry/store.py", "\nimport fettle.registry.aliases\n", "floor plan", id="the store uses work"
        ),
        pytest.param(
            "registry/aliases.py", "\nimport fettle.registry.acts\n", "floor plan", id="work uses acts"
        ),
        pytest.param("data/records.py", "\nimport fettle.storage.s3\n", "backends", id="a backend by name"),
        pytest.param("registry/aliases.py", "\nimport sqlalchemy\n", "SQL only", id="SQL outside the store"),
        pytest.param("monitoring/store/alerts.py", "\nimport sqlite3\n", "drivers", id="a driver in a room"),
        pytest.param("storage/postgres.py", "\nimport psycopg\n", "PostgreSQL", id="around SQLAlchemy"),
        pytest.param("registry/aliases.py", "\nimport duckdb\n", "DuckDB", id="DuckDB outside data"),
        pytest.param(
            "core/ids.py", "\nimport fettle.testing\n", "published suites", id="the product uses the suites"
        ),
        pytest.param(
            "core/errors.py", "\nimport fettle.core.config\n", "no cycles", id="a cycle of siblings"
        ),
    ],
)
def test_a_planted_violation_is_caught(tree: Path, module: str, code: str, contract: str):
    path = tree / "src" / "fettle" / module
    path.parent.mkdir(exist_ok=True)
    text = path.read_text("utf-8") if path.exists() else ""
    path.write_text(text + code, "utf-8")

    done = lint(tree)

    broken = [line for line in done.stdout.splitlines() if line.rstrip().endswith("BROKEN")]
    assert done.returncode != 0
    assert any(line.startswith(contract) for line in broken), done.stdout + done.stderr
