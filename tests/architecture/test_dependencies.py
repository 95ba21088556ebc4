"""What the sources import is declared in pyproject.toml, and what is declared is imported."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

# Needed without being imported by name: polars reads Excel with fastexcel, DuckDB hands tables over through pyarrow,
# SQLAlchemy reaches PostgreSQL through psycopg, uvicorn parses with httptools and loops with uvloop.
UNNAMED = {"fastexcel", "httptools", "psycopg", "pyarrow", "uvloop"}

# Libraries of other tools, used where their users have them, and never needed by fettle.
GUESTS = {"aim", "pandas"}


def imported(folder: Path) -> set[str]:
    """Top-level third-party modules that the sources in `folder` import, at any depth of a function."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"fettle"}


def declared(*extras: str) -> set[str]:
    """Normalised names of the distributions that pyproject.toml asks for."""
    wanted = [
        *PROJECT["dependencies"],
        *(each for extra in extras for each in PROJECT["optional-dependencies"][extra]),
    ]
    return {normal(re.split(r"[\s\[<>=!~;]", each, maxsplit=1)[0]) for each in wanted}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(modules: set[str]) -> dict[str, set[str]]:
    """Module → distributions that provide it here."""
    known = metadata.packages_distributions()
    return {module: {normal(each) for each in known.get(module, [])} for module in modules}


def test_everything_imported_is_declared():
    product = {path for path in (ROOT / "src" / "fettle").iterdir() if path.name != "testing"}
    modules = set().union(*(imported(path) for path in product if path.is_dir()))
    asked = declared("notify", "postgres")
    lacking = {module for module, names in distributions(modules).items() if not names & asked}
    assert not lacking - GUESTS


def test_the_published_suites_need_only_the_test_extra():
    modules = imported(ROOT / "src" / "fettle" / "testing")
    assert not {
        each for each, names in distributions(modules).items() if not names & declared("postgres", "test")
    }


def test_everything_declared_is_used():
    used = set().union(*distributions(imported(ROOT / "src")).values())
    assert not declared("postgres") - used - UNNAMED
