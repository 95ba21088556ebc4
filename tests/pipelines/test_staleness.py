"""After an edit, is exactly what depends on it run again? Each case edits a real project and imports it anew."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fettle.pipelines import Flow
from fettle.pipelines.libraries import version_of
from fettle.workspace import Workspace

PROJECT = {
    "main.py": """
import csv
import dataclasses
import enum
import functools
import glob
import os
from pathlib import Path

import polars as pl
import sibling
import vendor
from sibling import Child, Options, decorated, make, outer
from fettle.pipelines import step

RATE = 2
TABLE = {"double": lambda x: x * 2, "deep": [1, {"k": 5}]}
FILE = Path("stated.txt")
add_three = make(3)
times = functools.partial(sibling.multiply, factor=4)


def scale(x):
    return x * 10


@step
def same_file(): return scale(1)

@step
def constant(): return RATE

@step
def sibling_function(): return sibling.shift(1)

@step
def sibling_through(): return outer(1)

@step
def opened_file():
    with open("numbers.csv") as file:
        return [row for row in csv.reader(file)]

@step
def native_file(): return pl.read_csv("native.csv").height

@step
def stated_file(): return FILE.read_text()

@step
def listed_folder(): return len(glob.glob("folder/*.txt"))

@step
def base_method(): return Child().predict(2)

@step
def enum_and_dataclass(): return Options().depth, sibling.Mode.FAST.value

@step
def closure(): return add_three(1)

@step
def partial(): return times(2)

@step
def default(x=sibling.START): return x

@step
def late_import():
    from late import answer
    return answer()

@step
def lambdas(): return TABLE["double"](3), TABLE["deep"]

@step
@decorated
def decorator(): return 1

@step
def environment(): return os.environ.get("STALE_RATE", "none")

@step
def library(): return vendor.value()

@step
def nested():
    def inner():
        return sibling.deep.constant()
    return inner()

STEPS = [same_file, constant, sibling_function, sibling_through, opened_file, native_file, stated_file, listed_folder,
         base_method, enum_and_dataclass, closure, partial, default, late_import, lambdas, decorator, environment,
         library, nested]
""",
    "sibling.py": """
import dataclasses
import enum
import functools
import deep

OFFSET = 7
START = 1


def shift(x):
    return x + 100

def outer(x):
    return inner(x)

def inner(x):
    return x + OFFSET

def multiply(x, factor):
    return x * factor

def make(n):
    def add(x):
        return x + n
    return add

def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs) + 50
    return wrapper

class Model:
    factor = 3
    def predict(self, x):
        return x * self.factor

class Child(Model):
    pass

class Mode(enum.Enum):
    FAST = "fast"

@dataclasses.dataclass
class Options:
    depth: int = 5

def unrelated():
    return 0
""",
    "deep.py": "def constant():\n    return 42\n",
    "late.py": "from deeper import LATE\ndef answer():\n    return LATE\n",
    "deeper.py": "LATE = 5\n",
    "numbers.csv": "1,2\n",
    "native.csv": "a\n1\n",
    "stated.txt": "stated",
    "folder/one.txt": "1",
    "site-packages/vendor.py": '__version__ = "1.0"\ndef value():\n    return 1\n',
}

MODULES = ("main", "sibling", "deep", "late", "deeper", "vendor")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "project"
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(folder / "site-packages"))
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    forget()


def forget() -> None:
    for name in MODULES:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    version_of.cache_clear()


def rerun(workspace: Workspace) -> set[str]:
    """Import the project as a new process would, run all its steps, and say which were not spared."""
    forget()
    main = importlib.import_module("main")
    with Flow(workspace, "project") as flow:
        for each in main.STEPS:
            flow.run(each)
    return {each.name for each in workspace.pipelines.show(flow.id).steps if each.status == "finished"}


EDITS = {
    "helper in the same file": ("main.py", "x * 10", "x * 11", {"same_file"}),
    "module constant": ("main.py", "RATE = 2", "RATE = 3", {"constant"}),
    "function of a sibling module": ("sibling.py", "x + 100", "x + 101", {"sibling_function"}),
    "constant behind two calls": ("sibling.py", "OFFSET = 7", "OFFSET = 8", {"sibling_through"}),
    "content of an opened file": ("numbers.csv", "1,2", "1,3", {"opened_file"}),
    "content of a file read natively": ("native.csv", "a\n1\n", "a\n1\n2\n", {"native_file"}),
    "content of a stated path": ("stated.txt", "stated", "altered", {"stated_file"}),
    "method of a base class": ("sibling.py", "x * self.factor", "x - self.factor", {"base_method"}),
    "attribute of a base class": ("sibling.py", "factor = 3", "factor = 4", {"base_method"}),
    "member of an enumeration": ("sibling.py", '"fast"', '"quick"', {"enum_and_dataclass"}),
    "default of a dataclass": ("sibling.py", "depth: int = 5", "depth: int = 6", {"enum_and_dataclass"}),
    "value in a closure": ("main.py", "make(3)", "make(4)", {"closure"}),
    "code of a closure": ("sibling.py", "return x + n", "return x - n", {"closure"}),
    "argument of a partial": ("main.py", "factor=4", "factor=5", {"partial"}),
    "default of an argument": ("sibling.py", "START = 1", "START = 2", {"default"}),
    "module imported late": ("deeper.py", "LATE = 5", "LATE = 6", {"late_import"}),
    "lambda in a table": ("main.py", "lambda x: x * 2", "lambda x: x * 3", {"lambdas"}),
    "value deep in a table": ("main.py", '{"k": 5}', '{"k": 6}', {"lambdas"}),
    "decorator": ("sibling.py", "+ 50", "+ 51", {"decorator"}),
    "version of a library": ("site-packages/vendor.py", '"1.0"', '"1.1"', {"library"}),
    "function reached from a nested one": ("deep.py", "return 42", "return 43", {"nested"}),
    "comment": ("main.py", "RATE = 2", "# the rate\nRATE = 2  # per day", set()),
    "docstring and layout": (
        "main.py",
        "    return x * 10",
        '    """Ten times."""\n\n    return (\n        x * 10\n    )',
        set(),
    ),
    "function that nobody uses": ("sibling.py", "return 0", "return 1", set()),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_reruns_what_depends_on_it_and_nothing_else(
    workspace: Workspace, project: Path, edit: str
) -> None:
    name, old, new, expected = EDITS[edit]
    assert len(rerun(workspace)) == 19
    assert rerun(workspace) == set()
    text = (project / name).read_text()
    assert old in text
    (project / name).write_text(text.replace(old, new))
    assert rerun(workspace) == expected
    assert rerun(workspace) == set()


def test_a_new_file_in_a_listed_folder_reruns(workspace: Workspace, project: Path) -> None:
    rerun(workspace)
    (project / "folder" / "two.txt").write_text("2")
    assert rerun(workspace) == {"listed_folder"}


def test_an_environment_variable_reruns(
    workspace: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rerun(workspace)
    monkeypatch.setenv("STALE_RATE", "3")
    assert rerun(workspace) == {"environment"}
    monkeypatch.delenv("STALE_RATE")
    assert rerun(workspace) == set()


def test_going_back_to_an_earlier_state_runs_nothing(workspace: Workspace, project: Path) -> None:
    before = (project / "main.py").read_text()
    rerun(workspace)
    (project / "main.py").write_text(before.replace("RATE = 2", "RATE = 3"))
    rerun(workspace)
    (project / "main.py").write_text(before)
    assert rerun(workspace) == set()


def test_a_file_changed_at_once_and_to_the_same_length_reruns(workspace: Workspace, project: Path) -> None:
    for content in ("1,3\n", "1,4\n", "1,5\n"):
        (project / "numbers.csv").write_text(content)
        assert "opened_file" in rerun(workspace)


def test_an_edited_file_is_not_taken_for_the_code_that_is_loaded(workspace: Workspace, project: Path) -> None:
    """A long-lived process goes on with the code it imported; its results must not count for the new text."""
    rerun(workspace)
    main = sys.modules["main"]
    text = (project / "main.py").read_text()
    (project / "main.py").write_text(text.replace("RATE = 2", "RATE = 9"))
    with Flow(workspace, "project") as flow:
        assert flow.run(main.constant) == 2
        assert flow.why("constant").status == "reused"
    assert rerun(workspace) == {"constant"}


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, ".")
from fettle.pipelines import Flow
from fettle.workspace import Workspace
import main
ws = Workspace.open(sys.argv[1])
with Flow(ws, "project") as flow:
    for each in main.STEPS:
        flow.run(each)
print(*sorted(each.name for each in ws.pipelines.show(flow.id).steps if each.status == "finished"))
"""


def test_the_same_holds_between_processes(workspace: Workspace, project: Path) -> None:
    def process() -> set[str]:
        script = project / "run.py"
        script.write_text(SCRIPT)
        folder = str(workspace.folder)
        path = {"PYTHONPATH": str(project / "site-packages"), "PYTHONHASHSEED": str(time.time_ns() % 1000)}
        done = subprocess.run(
            [sys.executable, str(script), folder],
            cwd=project,
            env=path,
            capture_output=True,
            text=True,
            check=True,
        )
        return set(done.stdout.split())

    assert len(process()) == 19
    assert process() == set()
    for name, old, new, expected in (
        EDITS["helper in the same file"],
        EDITS["module imported late"],
        EDITS["comment"],
    ):
        text = (project / name).read_text()
        (project / name).write_text(text.replace(old, new))
        assert process() == expected
