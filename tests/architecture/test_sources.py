"""How the sources read: door signs, true names, reasons beside suppressions, and nothing that belongs elsewhere."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "fettle").rglob("*.py"))
OURS = [
    *SOURCES,
    *(path for each in ("tests", "benchmarks", "tools") for path in sorted((ROOT / each).rglob("*.py"))),
]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_says_what_it_is(path: Path):
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    assert len(text.partition("\n")[0]) >= 15, f"{path} has no docstring that says what it is"


def test_no_module_is_named_for_nothing():
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "impl"}
    assert not [name_of(path) for path in SOURCES if path.stem in vague or path.parent.name in vague]


def test_every_suppression_has_its_reason():
    mark = re.compile(r"# *(noqa|type: *ignore|pyright: *ignore|pragma: *no cover)")
    reason = re.compile(r"(noqa|ignore|no cover)[^ ]*( [A-Z]+\d+)*( - |  # )\w+.* \w+")
    bare = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in OURS
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if mark.search(line) and not reason.search(line)
    ]
    assert not bare, "\n".join(bare)


def test_skips_say_why():
    marks = {"pytest.skip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}
    bare = []
    for path in OURS:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in marks:
                said = [*node.args, *(each.value for each in node.keywords if each.arg == "reason")]
                if not any(isinstance(each, ast.Constant | ast.JoinedStr) for each in said):
                    bare.append(f"{name_of(path)}:{node.lineno}")
    assert not bare


def test_only_outermost_loops_swallow_everything():
    """A broad handler passes the error on, or says in a comment at its line why this is the outermost loop."""
    broad = []
    for path in SOURCES:
        lines = path.read_text("utf-8").splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
                passes_on = any(isinstance(each, ast.Raise) for each in ast.walk(node))
                if not passes_on and "#" not in lines[node.lineno - 1]:
                    broad.append(f"{name_of(path)}:{node.lineno}")
    assert not broad, "\n".join(broad)


def _is_broad(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    names = [ast.unparse(each) for each in (kind.elts if isinstance(kind, ast.Tuple) else [kind])]
    return bool({"Exception", "BaseException"} & set(names))


# Written in pieces, so that this file does not contain what it looks for.
FOREIGN = [
    "".join(pieces)
    for pieces in (
        ("/wo", "rk/main"), ("/wo", "rk/shared"), ("/wo", "rk/plan"), ("..", "/shared"),
        ("files.python", "hosted.org"), ("registry.npm", "js.org"), ("index", "-url"),
        ("AI ", "agent"), ("language model ", "session"),
    )
]  # fmt: skip


def test_nothing_of_one_machine_is_in_the_project():
    suffixes = {
        ".py",
        ".md",
        ".toml",
        ".txt",
        ".yaml",
        ".yml",
        ".json",
        ".sh",
        ".ts",
        ".css",
        ".html",
        ".mjs",
        "",
    }
    folders = ("src", "tests", "docs", "tools", "benchmarks", ".ci")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.is_file()]
    found = []
    for path in files:
        if path.suffix in suffixes and "__pycache__" not in path.parts and "static" not in path.parts:
            text = path.read_text("utf-8", errors="replace")
            found += [f"{name_of(path)}: {word}" for word in FOREIGN if word.lower() in text.lower()]
    assert not found, "\n".join(found)


def test_constraints_name_versions_and_no_addresses():
    lines = [
        line
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert lines and all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+", line) for line in lines)


def test_every_dependency_has_a_lower_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    assert not [each for each in wanted if ">=" not in each and not each.startswith("fettle-ml[")]
