"""`data://`: polars, DuckDB, pandas and pyarrow read versions by it, and only what they need of a file."""

import io
from pathlib import Path

import duckdb
import fsspec
import numpy as np
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import FSSpecHandler, PyFileSystem

from fettle.core.errors import Denied, Invalid, NotFound
from fettle.data import versions
from fettle.data.engine import trees
from fettle.data.engine.repository import Repository
from fettle.data.filesystem import DataFileSystem
from fettle.data.ranges import scan_parquet
from fettle.data.records.versions import Source
from fettle.data.repositories import repository
from tests.conftest import new_workspace

ROWS = 60_000


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a table of two versions and a dataset of files."""
    folder = tmp_path_factory.mktemp("workspace")
    with new_workspace(folder) as ws:
        versions.commit_frame(ws, "churn", table(), profile=False)
        versions.commit_frame(ws, "churn", table().with_columns(pl.col("n") + 1), profile=False)
        with repository(ws).writer() as writer:
            csv = writer.put_bytes(b"a,b\n1,x\n2,y\n")
            link = writer.put_bytes(b"../labels/one.csv")
            entries = [
                trees.Entry("labels/one.csv", csv.digest, csv.size_bytes, 0o644),
                trees.Entry("labels/two.csv", csv.digest, csv.size_bytes, 0o644),
                trees.Entry("links/first", link.digest, link.size_bytes, trees.SYMLINK),
            ]
            tree = trees.build(entries, writer.put_node)
            writer.flush()
            ws.call(
                "data.record",
                dataset="pictures",
                tree=tree,
                source=Source("made"),
                message="",
                parents=[],
                expected_head="",
                branch="main",
                files=3,
                size_bytes=48,
                tables=[],
            )
    return folder


def table() -> pl.DataFrame:
    noise = np.random.default_rng(0)
    columns = {f"x{place}": noise.normal(size=ROWS) for place in range(6)}
    return pl.DataFrame({"n": np.arange(ROWS), **columns, "s": [f"v{each % 7}" for each in range(ROWS)]})


@pytest.fixture
def data(place: Path) -> DataFileSystem:
    return fsspec.filesystem("data", workspace=str(place))


def part(fs: DataFileSystem, ref: str = "churn@main") -> str:
    return fs.glob(f"{ref}/table/*.parquet")[0]


def test_folders_are_listed_walked_and_globbed(data: DataFileSystem):
    assert data.ls("data://", detail=False) == ["churn", "pictures"]
    assert data.ls("pictures", detail=False) == ["pictures/labels", "pictures/links"]
    assert data.ls("data://pictures@main/labels/", detail=False) == [
        "pictures@main/labels/one.csv",
        "pictures@main/labels/two.csv",
    ]
    assert data.glob("pictures/**/*.csv") == ["pictures/labels/one.csv", "pictures/labels/two.csv"]
    walked = [(folder, sorted(folders), sorted(files)) for folder, folders, files in data.walk("pictures")]
    assert walked == [
        ("pictures", ["labels", "links"], []),
        ("pictures/labels", [], ["one.csv", "two.csv"]),
        ("pictures/links", [], ["first"]),
    ]
    assert data.find("pictures/labels") == ["pictures/labels/one.csv", "pictures/labels/two.csv"]


def test_what_is_known_of_a_path(data: DataFileSystem):
    info = data.info("data://pictures/labels/one.csv")
    assert (info["type"], info["size"], info["name"]) == ("file", 12, "pictures/labels/one.csv")
    assert data.ukey("pictures/labels/two.csv") == info["digest"]
    assert data.checksum("pictures/labels/one.csv") == data.checksum("pictures/labels/two.csv") > 0
    assert data.isdir("pictures/labels") and data.isfile("pictures/labels/one.csv")
    assert data.exists("pictures@main") and not data.exists("pictures/label") and not data.exists("nothing")
    assert data.modified("pictures").tzinfo is not None
    assert data.info("pictures/labels")["type"] == "directory"


def test_bytes_ranges_links_and_copies(data: DataFileSystem, tmp_path: Path):
    path = "pictures/labels/one.csv"
    assert data.cat(path) == b"a,b\n1,x\n2,y\n"
    assert data.cat_file(path, 4, 7) == b"1,x"
    assert data.cat_file(path, -4) == b"2,y\n"
    assert data.cat("pictures/links/first") == data.cat(path)
    with data.open(path) as stream:
        stream.seek(4)
        assert stream.readline() == b"1,x\n"
    with data.open(path, "rt") as stream:
        assert stream.read() == "a,b\n1,x\n2,y\n"
    data.get("pictures/labels/", str(tmp_path / "out"), recursive=True)
    assert (tmp_path / "out/two.csv").read_bytes() == data.cat(path)


def test_a_missing_file_says_which_there_are(data: DataFileSystem):
    with pytest.raises(FileNotFoundError, match=r"labels/one\.csv") as caught:
        data.open("pictures/labels/onee.csv")
    assert isinstance(caught.value, NotFound)
    with pytest.raises(FileNotFoundError, match="churn"):
        data.ls("chrun@main")
    with pytest.raises(FileNotFoundError):
        data.ls("pictures/label")
    with pytest.raises(Invalid, match="folder"):
        data.open("pictures/labels")


def test_nothing_can_be_written(data: DataFileSystem, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"x")
    for attempt in (
        lambda: data.open("pictures/new", "wb"),
        lambda: data.rm("pictures/labels/one.csv"),
        lambda: data.pipe_file("pictures/new", b"x"),
        lambda: data.put(str(tmp_path / "file"), "pictures/new"),
        lambda: data.mkdir("pictures/new"),
        lambda: data.mv("pictures/labels/one.csv", "pictures/new"),
    ):
        with pytest.raises(PermissionError, match="read-only") as caught:
            attempt()
        assert isinstance(caught.value, Denied)


def test_a_filesystem_sees_versions_as_they_were_until_it_looks_again(tmp_path: Path):
    with new_workspace(tmp_path) as ws:
        first = versions.commit_frame(ws, "t", pl.DataFrame({"a": [1]}), profile=False)
        data = fsspec.filesystem("data", workspace=ws)
        assert data.info("t@main")["commit"] == first.id
        second = versions.commit_frame(ws, "t", pl.DataFrame({"a": [2]}), profile=False)
        assert data.info("t@main")["commit"] == first.id
        assert data.info(second.ref)["commit"] == second.id
        data.invalidate_cache()
        assert data.info("t@main")["commit"] == second.id


def test_the_workspace_is_that_of_the_current_folder(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(place)
    monkeypatch.delenv("FETTLE_WORKSPACE", raising=False)
    with fsspec.open("data://pictures/labels/one.csv", "rt") as stream:
        assert stream.read().startswith("a,b")


def test_polars_reads_it(data: DataFileSystem):
    with data.open("data://pictures/labels/one.csv") as stream:
        assert pl.read_csv(stream).rows() == [(1, "x"), (2, "y")]
    with data.open(part(data)) as stream:
        assert pl.read_parquet(stream).equals(table().with_columns(pl.col("n") + 1))
    old = part(data, "churn@main~1")
    rows = (
        pl.scan_pyarrow_dataset(ds.dataset(old, filesystem=arrow(data))).filter(pl.col("n") < 3).select("n")
    )
    assert rows.collect()["n"].to_list() == [0, 1, 2]
    with data.open(old) as stream:
        assert pl.scan_parquet(stream).select(pl.col("n").sum()).collect().item() == sum(range(ROWS))


def test_duckdb_reads_it(data: DataFileSystem):
    with duckdb.connect() as connection:
        connection.register_filesystem(data)
        total = connection.sql("SELECT sum(n), count(*) FROM 'data://churn@main/table/*.parquet'").fetchall()
        assert total == [(sum(range(ROWS)) + ROWS, ROWS)]
        assert connection.sql("FROM read_csv('data://pictures/labels/one.csv')").fetchall() == [
            (1, "x"),
            (2, "y"),
        ]


def test_pandas_reads_it(data: DataFileSystem, place: Path):
    pandas = pytest.importorskip("pandas")
    options = {"workspace": str(place)}
    assert pandas.read_csv("data://pictures/labels/one.csv", storage_options=options)["b"].tolist() == [
        "x",
        "y",
    ]
    frame = pandas.read_parquet(f"data://{part(data)}", columns=["n"], storage_options=options)
    assert int(frame["n"].sum()) == sum(range(ROWS)) + ROWS


def test_pyarrow_reads_it(data: DataFileSystem):
    dataset = ds.dataset("churn@main/table", filesystem=arrow(data), format="parquet")
    assert dataset.count_rows() == ROWS
    assert pq.read_table(part(data), columns=["s"], filesystem=arrow(data)).num_rows == ROWS


def test_one_column_is_read_without_the_others(data: DataFileSystem, monkeypatch: pytest.MonkeyPatch):
    fetched = []
    read = Repository.read

    def counted(self: Repository, digest: str, start: int = 0, end: int | None = None) -> bytes:
        found = read(self, digest, start, end)
        fetched.append(len(found))
        return found

    monkeypatch.setattr(Repository, "read", counted)
    path = part(data)
    size = data.size(path)

    column = pq.read_table(path, columns=["x3"], filesystem=arrow(data))["x3"]

    assert column.to_pylist() == table()["x3"].to_list()
    assert size > 2_000_000
    assert sum(fetched) < size / 2


def test_polars_scans_lazily_and_reads_only_what_a_query_needs(
    data: DataFileSystem, place: Path, monkeypatch: pytest.MonkeyPatch
):
    fetched = []
    read = Repository.read

    def counted(self: Repository, digest: str, start: int = 0, end: int | None = None) -> bytes:
        found = read(self, digest, start, end)
        fetched.append(len(found))
        return found

    monkeypatch.setattr(Repository, "read", counted)
    lazy = scan_parquet("data://churn@main~1", workspace=str(place))
    size = sum(data.size(each) for each in data.glob("churn@main~1/table/*.parquet"))
    assert sum(fetched) < size / 4, "nothing but footers"
    assert lazy.select(pl.col("x3").sum()).collect().item() == pytest.approx(table()["x3"].sum())
    assert sum(fetched) < size / 2

    asked = table().filter(pl.col("n") < 3).select("n", "s")
    for address in ("data://churn@main~1/table/*.parquet", "churn@main~1/table", "data://churn@main~1"):
        found = scan_parquet(address, workspace=str(place)).filter(pl.col("n") < 3).select("n", "s").collect()
        assert found.sort("n").equals(asked)


def test_what_cannot_be_scanned_is_named(place: Path):
    with pytest.raises(NotFound, match="no Parquet file"):
        scan_parquet("data://pictures/labels", workspace=str(place))
    with pytest.raises(Invalid, match="is no Parquet file"):
        scan_parquet("data://pictures/labels/one.csv", workspace=str(place))
    with pytest.raises(Invalid, match="not one table"):
        scan_parquet("data://pictures", workspace=str(place))
    with pytest.raises(NotFound, match="churn"):
        scan_parquet("data://chrun", workspace=str(place))


def test_polars_itself_knows_no_other_addresses():
    """Once it does, the way around is not needed any more."""
    with pytest.raises(FileNotFoundError):
        pl.scan_parquet("data://churn@main/table/00000.parquet").collect()


def test_a_fetched_column_is_the_whole_files(data: DataFileSystem):
    whole = pl.read_parquet(io.BytesIO(data.cat(part(data))))
    assert whole.equals(table().with_columns(pl.col("n") + 1))


def arrow(data: DataFileSystem) -> PyFileSystem:
    return PyFileSystem(FSSpecHandler(data))
