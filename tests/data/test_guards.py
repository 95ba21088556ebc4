"""What a tree of files must not do to a dataset: unmake its table, or bring in plain what is to be masked."""

from pathlib import Path

import polars as pl
import pytest

from fettle.core.errors import GateFailed, Invalid
from fettle.data import versions
from fettle.privacy.records import Policy, Token
from fettle.workspace import Workspace

ROWS = pl.DataFrame({"id": [1, 2], "email": ["ada@example.org", "bob@example.org"]})


@pytest.fixture(autouse=True)
def no_keys_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FETTLE_PRIVACY_KEY", raising=False)


def folder(tmp_path: Path, **files: str) -> str:
    made = tmp_path / "folder"
    made.mkdir(exist_ok=True)
    for name, text in files.items():
        (made / name.replace("_", ".")).write_text(text)
    return str(made)


def test_files_do_not_unmake_a_table(workspace: Workspace, tmp_path: Path):
    made = versions.commit_frame(workspace, "people", ROWS)
    path = folder(tmp_path, notes_txt="hello", more_txt="x")
    workspace.data.add([path], dataset="people")

    with pytest.raises(Invalid, match="'people' is a table") as error:
        workspace.data.commit(path)

    assert "more.txt, notes.txt" in error.value.found
    assert versions.resolve(workspace, "people").id == made.id


def test_a_dataset_of_files_takes_files(workspace: Workspace, tmp_path: Path):
    path = folder(tmp_path, notes_txt="hello", rows_csv=ROWS.write_csv())

    workspace.data.add([path], dataset="people")

    assert workspace.data.commit(path).files == 2


def test_a_file_with_personal_columns_in_plain_is_refused(workspace: Workspace, tmp_path: Path):
    workspace.privacy.set_policy("people", Policy(rules={"email": Token()}))
    path = folder(tmp_path, notes_txt="hello", rows_csv=ROWS.write_csv())
    workspace.data.add([path], dataset="people")

    with pytest.raises(GateFailed, match="stand in plain; nothing was committed") as error:
        workspace.data.commit(path)

    assert error.value.found == "rows.csv: email (token)"
    assert "fettle privacy mask FILE MASKED people" in (error.value.hint or "")
    assert versions.head_of(workspace, "people") is None


def test_a_confirmed_column_without_a_rule_asks_for_one(workspace: Workspace, tmp_path: Path):
    workspace.privacy.confirm("people", "email", "personal")
    path = folder(tmp_path, rows_csv=ROWS.write_csv())
    workspace.data.add([path], dataset="people")

    with pytest.raises(GateFailed) as error:
        workspace.data.commit(path)

    assert "fettle privacy rule people email token" in (error.value.hint or "")


def test_the_masked_file_is_taken(workspace: Workspace, tmp_path: Path):
    workspace.privacy.set_policy("people", Policy(rules={"email": Token()}))
    plain = tmp_path / "plain.csv"
    ROWS.write_csv(plain)
    path = folder(tmp_path, notes_txt="hello")
    workspace.privacy.mask(plain, Path(path) / "rows.csv", "people")
    workspace.data.add([path], dataset="people")

    assert workspace.data.commit(path).files == 2

    (Path(path) / "broken.parquet").write_text("no table")
    workspace.data.add([path], dataset="people")
    assert workspace.data.commit(path).files == 3
