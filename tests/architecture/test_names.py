"""What a package says it exports is there, and `dir` and type checkers see the same names."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import fettle

PACKAGES = ["fettle"] + [
    f"fettle.{each.name}"
    for each in pkgutil.iter_modules(fettle.__path__)
    if each.ispkg and each.name != "testing"
]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_can_be_had(package: str):
    module = importlib.import_module(package)
    for name in getattr(module, "__all__", []):
        assert getattr(module, name) is not None, name
        assert name in dir(module)


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_what_is_exported(package: str):
    module = importlib.import_module(package)
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    seen = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    seen |= {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    seen |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    # A submodule that is exported under its own name is found by checkers without an import.
    seen |= {each.name for each in pkgutil.iter_modules(getattr(module, "__path__", []))}
    assert set(getattr(module, "__all__", [])) <= seen


def test_the_package_has_a_version_and_ships_its_types():
    assert fettle.__version__.count(".") == 2
    assert (Path(fettle.__path__[0]) / "py.typed").exists()
