"""The door of the room is cheap, and its example works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import fettle.storage
import fettle.testing

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "storage.md"


def test_importing_the_room_loads_no_backend() -> None:
    program = "import sys, fettle.storage, fettle.testing; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"sqlalchemy", "obstore", "psycopg", "sqlite3", "pytest", "mmap"}
    assert heavy.isdisjoint(loaded)


@pytest.mark.parametrize("package", [fettle.storage, fettle.testing])
def test_every_exported_name_exists(package: ModuleType) -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))


def test_the_example_of_the_reference_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = re.search(r"```python\n(.*?)```", REFERENCE.read_text(), re.DOTALL)
    assert found is not None
    names: dict[str, object] = {}
    exec(found[1], names)
    assert names["records"] == [(names["position"], b"one record")]
    assert names["grant"] is not None
