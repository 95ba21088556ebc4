"""Comparing, listing, printing and copying out versions, as a user does."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from fettle.acts import Surface
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data import versions
from fettle.data.engine import trees
from fettle.data.errands import tables
from fettle.data.records.diffs import FileChange, FileEntry
from fettle.data.records.versions import Source
from fettle.data.repositories import repository
from tests.conftest import new_workspace


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surface]:
    with new_workspace(tmp_path_factory.mktemp("workspace")) as made:
        versions.commit_frame(made, "people", people(), key=["id"], profile=False)
        grown = pl.concat(
            [people().with_columns(age=pl.col("age") + (pl.col("id") == 2)), people(100).tail(1)]
        )
        versions.commit_frame(made, "people", grown, profile=False)
        files(made, {"labels.csv": b"id,v\n1,a\n2,b\n", "notes.txt": b"one\ntwo\n", "old/x.bin": b"\0\1"}, "")
        files(
            made,
            {"labels.csv": b"id,v\n1,a\n2,c\n", "notes.txt": b"one\ntwo\n", "new/y.bin": b"\0\1\2"},
            None,
        )
        yield made


def people(first: int = 1) -> pl.DataFrame:
    ids = list(range(first, first + 3))
    return pl.DataFrame({"id": ids, "name": [f"p{each}" for each in ids], "age": [20 + each for each in ids]})


def files(ws: Surface, content: dict[str, bytes], head: str | None) -> None:
    parent = None if head == "" else versions.resolve(ws, "mixed")
    with repository(ws).writer() as writer:
        kept = {path: writer.put_bytes(data) for path, data in sorted(content.items())}
        entries = [trees.Entry(path, each.digest, each.size_bytes, 0o644) for path, each in kept.items()]
        tree = trees.build(entries, writer.put_node)
        writer.flush()
        ws.call(
            "data.record",
            dataset="mixed",
            tree=tree,
            source=Source("made"),
            message="",
            branch="main",
            parents=[parent.id] if parent else [],
            expected_head=parent.id if parent else "",
            files=len(kept),
            size_bytes=sum(each.size_bytes for each in kept.values()),
            tables=[],
        )


def test_a_version_is_compared_with_its_parent_by_the_key_it_was_committed_with(ws: Surface):
    made = tables.diff(ws, "people")

    summary = made.tables["table"].summary
    assert (summary.key, summary.added, summary.removed, summary.changed) == (["id"], 1, 0, 1)
    assert made.files == []
    text = "\n".join(made.lines())
    assert "~  2   age     22   23" in text
    assert "+1 added, -0 removed, ~1 changed in 1 cells" in text
    assert made.as_dict()["tables"]["table"]["changes"][0] == {
        "op": "changed",
        "id": 2,
        "column": "age",
        "old": "22",
        "new": "23",
    }


def test_two_versions_named_either_way(ws: Surface):
    forward = tables.diff(ws, "people@main~1", "people@main")
    again = tables.diff(ws, "people@main~1", "@main")
    back = tables.diff(ws, "people@main", "@main~1")

    assert forward.as_dict() == again.as_dict()
    assert back.tables["table"].summary.removed == 1
    assert tables.diff(ws, "people@main", "@main").lines()[-1] == "no difference"


def test_the_first_version_is_compared_with_nothing(ws: Surface):
    made = tables.diff(ws, "mixed@main~1")
    assert {each.op for each in made.files} == {"added"}
    assert "(nothing)" in made.lines()[0]


def test_files_and_the_tables_among_them(ws: Surface):
    made = tables.diff(ws, "mixed")

    assert made.files == [
        FileChange("changed", "labels.csv", 13, 13),
        FileChange("added", "new/y.bin", 0, 3),
        FileChange("removed", "old/x.bin", 2, 0),
    ]
    whole = made.tables["labels.csv"].summary
    assert (whole.added, whole.removed) == (1, 1)
    keyed = tables.diff(ws, "mixed", key=["id"]).tables["labels.csv"]
    assert keyed.cells("v").rows() == [(2, "b", "c")]
    assert tables.diff(ws, "mixed", rows=False).tables == {}
    assert [each.path for each in tables.diff(ws, "mixed", path="new").files] == ["new/y.bin"]
    with pytest.raises(NotFound, match="'idd'"):
        tables.diff(ws, "mixed", key=["idd"])


def test_listing(ws: Surface):
    assert [each.name for each in tables.ls(ws, "mixed")] == ["labels.csv", "new", "notes.txt"]
    assert tables.ls(ws, "mixed", "new") == tables.ls(ws, "mixed/new")
    inner = tables.ls(ws, "mixed@main", "new")[0]
    assert (inner.name, inner.kind, inner.size_bytes) == ("new/y.bin", "file", 3)
    every = tables.ls(ws, "mixed", recursive=True)
    assert [each.name for each in every] == ["labels.csv", "new/y.bin", "notes.txt"]
    assert FileEntry("new", "folder", 3) in tables.ls(ws, "mixed")
    with pytest.raises(NotFound, match="labels"):
        tables.ls(ws, "mixed/label.csv")


def test_printing(ws: Surface):
    rows = tables.cat(ws, "people", limit=2)
    assert isinstance(rows, pl.DataFrame)
    assert rows["name"].to_list() == ["p1", "p2"]
    assert tables.cat(ws, "mixed/notes.txt") == "one\ntwo"
    part = tables.ls(ws, "people", "table")[0].name
    assert len(tables.cat(ws, f"people/{part}", limit=1)) == 1
    with pytest.raises(Invalid, match="cannot be printed"):
        tables.cat(ws, "mixed/new/y.bin")
    with pytest.raises(Invalid, match="not one table"):
        tables.cat(ws, "mixed")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "json", "jsonl", "arrow"])
def test_a_table_is_copied_out_in_the_format_of_its_name(ws: Surface, tmp_path: Path, suffix: str):
    target = tmp_path / f"people.{suffix}"

    made = tables.get(ws, "people@main~1", target)

    read = {
        "csv": pl.read_csv,
        "tsv": lambda path: pl.read_csv(path, separator="\t"),
        "parquet": pl.read_parquet,
        "json": pl.read_json,
        "jsonl": pl.read_ndjson,
        "arrow": pl.read_ipc,
    }
    assert read[suffix](target).equals(people())
    assert (made.rows, made.size_bytes) == (3, target.stat().st_size)
    with pytest.raises(Conflict, match="already"):
        tables.get(ws, "people", target)
    assert tables.get(ws, "people", target, force=True).rows == 4
    assert [each.name for each in tmp_path.iterdir()] == [target.name]


def test_files_and_folders_are_copied_out(ws: Surface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    tables.get(ws, "mixed/notes.txt")
    assert Path("notes.txt").read_bytes() == b"one\ntwo\n"
    assert tables.get(ws, "mixed/labels.csv", Path("labels.parquet")).rows == 2
    assert pl.read_parquet("labels.parquet")["v"].to_list() == ["a", "c"]

    made = tables.get(ws, "mixed@main~1", Path("out"))
    assert (made.files, made.size_bytes) == (3, 23)
    assert Path("out/old/x.bin").read_bytes() == b"\0\1"
    tables.get(ws, "mixed/new")
    assert Path("new/y.bin").read_bytes() == b"\0\1\2"
    with pytest.raises(Conflict):
        tables.get(ws, "mixed", Path("out"))
    with pytest.raises(Invalid, match="xml"):
        tables.get(ws, "people", Path("people.xml"))
    assert not Path("people.xml").exists()


def test_a_dataset_is_copied_to_a_file_of_its_name(
    ws: Surface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert tables.get(ws, "people").target == "people.parquet"
    assert pl.read_parquet("people.parquet").height == 4
    assert tables.get(ws, "people/table", tmp_path).target == str(tmp_path / "table.parquet")
