"""Reading a source: what is good comes in typed, what is bad is said in one sentence with its place."""

import gzip
import os
import random
import re
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import zstandard

from fettle.core import ids
from fettle.core.errors import Denied, FettleError, Invalid, NotFound
from fettle.data import ingest

NUMBERED = "".join(f"{number},x\n" for number in range(50))


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Write a file into the current folder; return its name."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: str | bytes) -> str:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return write


GOOD = {
    "plain.csv": ("a,b\n1,x\n2,\n", [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
    "crlf.csv": ("a,b\r\n1,2\r\n", [{"a": 1, "b": 2}]),
    "old-mac.csv": ("a,b\r1,2\r3,4\r", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
    "bom.csv": (b"\xef\xbb\xbfa,b\n1,2\n", [{"a": 1, "b": 2}]),
    "utf16.csv": ("a,b\n1,é\n".encode("utf-16"), [{"a": 1, "b": "é"}]),
    "packed.csv.gz": (gzip.compress(b"a,b\n1,2\n"), [{"a": 1, "b": 2}]),
    "packed.csv.zst": (zstandard.compress(b"a,b\n1,2\n"), [{"a": 1, "b": 2}]),
    "semicolons.csv": ("a;größe\n1,5;x\n1.002,25;y\n", [{"a": 1.5, "größe": "x"}, {"a": 1002.25, "größe": "y"}]),
    "tabs.tsv": ("a\tb\n1\t2,5\n", [{"a": 1, "b": 2.5}]),
    "blank-lines.csv": ("\n\na,b\n1,2\n\n3,4\n\n\n", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
    "one-column.csv": ("a\n1\n\n2\n", [{"a": 1}, {"a": 2}]),
    "quoted.csv": ('a,b\n"x, y",1\n"say ""hi""\nthere",2\n', [{"a": "x, y", "b": 1}, {"a": 'say "hi"\nthere', "b": 2}]),
    "twice.csv": ("a,a, b c ,\n1,2,3,4\n", [{"a": 1, "a_2": 2, "b c": 3, "column_4": 4}]),
    "hanging-comma.csv": ("a,b,\n1,2,\n3,4,\n", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
    "odd [1]*.csv": ("a,b\n1,2\n", [{"a": 1, "b": 2}]),
    "lines.jsonl": ('{"a":1,"n":{"q":"x"}}\n\n{"a":2.5}\n', [{"a": 1.0, "n.q": "x"}, {"a": 2.5, "n.q": None}]),
    "array.json": ('[{"a":true},{"b":[1,2]}]', [{"a": True, "b": None}, {"a": None, "b": "[1,2]"}]),
    "columns.json": ('{"a":[1,2],"b":["x","y"]}', [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
    "wrapped.json": ('{"data":[{"a":1}]}', [{"a": 1}]),
    "lines-in-json.json": ('{"a":1}\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_read_as_it_is_meant(put, name):
    content, rows = GOOD[name]

    assert ingest.read_source(put(name, content)).to_dicts() == rows


BAD = {
    "empty.csv": ("", Invalid, "is empty", "0 bytes"),
    "blank.csv": ("\n\n", Invalid, "is empty", "blank lines"),
    "header.csv": ("a,b\n", Invalid, "has no rows", "2 column(s)"),
    "short.csv": ("a,b\n1,2\n3\n4,5\n", Invalid, "line 3 has 1 field(s) where the header has 2", "line 3: 3"),
    "long.csv": ("a,b\n1,2\n\n3,4,5\n6,7,8\n", Invalid, "line 4 has 3 field(s)", "2 such lines"),
    "after-a-break.csv": ('a,b\n"x\ny",2\n3\n', Invalid, "line 4 has 1 field(s)", "line 4: 3"),
    "open-quote.csv": ('a,b\n1,2\n"x,2\n3,4\n', Invalid, "after line 2", "unexpected end"),
    "latin.csv": ("name,v\nMüller,1\n".encode("latin1"), Invalid, "is not in UTF-8", "line 2; read as Windows-1252"),
    "late-latin.csv": (b"name,v\n" + b"x,1\n" * 90_000 + b"\xe9,1\n", Invalid, "is not in UTF-8", "in line 90002"),
    "zeros.csv": (b"\x00\x01\x02" * 99, Invalid, "is a binary file", "no text has"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n", Invalid, "is a binary file", "a PNG picture"),
    "page.csv": ("<!DOCTYPE html><html></html>", Invalid, "is a web page", "<!DOCTYPE"),
    "no-header.csv": ("1,2\n3,4\n", Invalid, "has no column names", "1, 2"),
    "mixed.csv": (f"a,b\n{NUMBERED}abc,x\n", Invalid, "is mixed", "1 other value(s): 'abc'; the first in line 52"),
    "mixed.jsonl": ('{"a":1}\n' * 30 + '{"a":"abc"}\n', Invalid, "is mixed", "the first in line 31"),
    "cut.csv.gz": (gzip.compress(b"a,b\n1,2\n" * 99)[:30], Invalid, "broken gzip", ""),
    "cut.parquet": (b"PAR1" + b"x" * 99, Invalid, "broken Parquet", ""),
    "text.parquet": ("a,b\n1,2\n", Invalid, "is not the parquet file", "plain text"),
    "cut.xlsx": (b"PK\x03\x04xl/" + b"x" * 99, Invalid, "cannot be opened as a workbook", ""),
    "cut.jsonl": ('{"a":1}\n{"a":\n', Invalid, "cannot be read as JSON", 'line 2: {"a":'),
    "lists.jsonl": ('{"a":1}\n[1]\n', Invalid, "cannot be read as JSON", "line 2 is a list"),
    "number.json": ("3", Invalid, "cannot be read as JSON", "a single int"),
    "nothing.json": ("[]", Invalid, "has no rows", ""),
    "empty-objects.json": ("[{},{}]", Invalid, "has no columns", "2 empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_the_place(put, name):
    content, kind, message, found = BAD[name]

    with pytest.raises(kind) as caught:
        ingest.read_source(put(name, content))

    assert message in caught.value.message
    assert found in caught.value.found
    assert caught.value.hint


def test_a_missing_file_offers_the_nearest_name(put):
    put("churn.csv", "a\n1\n")

    with pytest.raises(NotFound, match=r"no file chrun\.csv") as caught:
        ingest.read_source("chrun.csv")

    assert caught.value.hint == "Did you mean 'churn.csv'?"


def test_a_missing_folder_is_named(put):
    with pytest.raises(NotFound) as caught:
        ingest.read_source("nowhere/churn.csv")

    assert caught.value.found == "no folder nowhere"


def test_a_folder_lists_its_data_files(put, tmp_path):
    put("churn.csv", "a\n1\n")

    with pytest.raises(Invalid, match="is a folder") as caught:
        ingest.read_source(str(tmp_path))

    assert "churn.csv" in caught.value.found
    assert ingest.read_source(re.search(r"SELECT .*", caught.value.hint).group()).to_dicts() == [{"a": 1}]


@pytest.mark.parametrize(
    "path", ["https://example.org/x.csv", "s3://bucket/x.parquet", "/dev/null", "a\0b", "x" * 300]
)
def test_what_is_no_file_is_refused(path):
    with pytest.raises(Invalid):
        ingest.read_source(path)


@pytest.fixture
def as_nobody(tmp_path):
    """Be a user without rights: root steps down for the test, anyone else is one already."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith("pytest-"):
            folder.chmod(0o755)
    tmp_path.chmod(0o755)
    was = os.geteuid()
    os.seteuid(65534 if was == 0 else was)
    yield
    os.seteuid(was)


def test_a_file_without_permission_is_denied(put, as_nobody, request):
    was_root = os.getuid() == 0
    if was_root:
        os.seteuid(0)
    put("secret.csv", "a\n1\n")
    os.chmod("secret.csv", 0)
    if was_root:
        os.seteuid(65534)

    with pytest.raises(Denied, match="cannot be read"):
        ingest.read_source("secret.csv")


def test_the_hint_for_a_mixed_column_is_a_query_that_works(put):
    put("it's mixed.csv", f"a b,c\n{NUMBERED}abc,x\n")

    with pytest.raises(Invalid) as caught:
        ingest.read_source("it's mixed.csv")
    frame = ingest.read_source(caught.value.hint.partition("query: ")[2])

    assert frame["a b"].to_list() == [*map(float, range(50)), None]


@pytest.mark.parametrize(
    ("mixed", "last", "dtype"), [("missing", None, pl.Int64), ("text", "abc", pl.String)]
)
def test_a_mixed_column_may_be_let_through_with_a_note(put, mixed, last, dtype):
    put("mixed.csv", f"a,b\n{NUMBERED}abc,x\n")

    found = ingest.read("mixed.csv", mixed=mixed)

    assert found.frame["a"].dtype in (dtype, pl.Float64)
    assert found.frame["a"][-1] == last
    assert "1 of 51 values" in found.notes[0]


def test_the_source_says_digest_size_and_time(put):
    path = put("churn.csv", "a\n1\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))

    source = ingest.read(path).source

    assert source == ingest.source_of(path)
    assert (source.name, source.kind, source.size_bytes) == ("churn.csv", "csv", 4)
    assert source.digest == ids.digest(b"a\n1\n")
    assert source.modified_at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_a_query_reads_files_and_is_its_own_source(put):
    put("churn.csv", "age,gone\n31,true\n47,false\n")

    found = ingest.read("SELECT age * 2 AS twice, gone\n  FROM 'churn.csv' WHERE age > 40")

    assert found.frame.to_dicts() == [{"twice": 94, "gone": False}]
    assert found.source.kind == "sql"
    assert found.source.name == "SELECT age * 2 AS twice, gone FROM 'churn.csv' WHERE age > 40"
    assert found.source.digest


def test_a_file_of_sql_is_run(put):
    put("churn.csv", "age\n31\n")
    put("churn.sql", "-- the grown-ups\nSELECT * FROM 'churn.csv'")

    assert ingest.read_source("churn.sql").to_dicts() == [{"age": 31}]


@pytest.mark.parametrize(
    ("query", "kind", "said"),
    [
        ("SELECT * FROM nowhere", NotFound, "nowhere"),
        ("SELECT * FROM 'nowhere.csv'", NotFound, "nowhere.csv"),
        ("SELECT agee FROM 'churn.csv'", Invalid, '"age"'),
        ("SELECT FROM WHERE", Invalid, "syntax error"),
        ("SELECT 1; DROP TABLE x", Invalid, "SELECT, DROP"),
        ("SELECT * FROM 'churn.csv' WHERE age > 99", Invalid, "age > 99"),
        ("SELECT CAST('abc' AS INT) AS a", Invalid, "abc"),
        ("SELECT * FROM 'https://example.org/x.csv'", Invalid, "local"),
        ("SELECT 'abc'::BLOB AS bytes", Invalid, "Binary"),
    ],
)
def test_a_wrong_query_is_refused_in_words(put, query, kind, said):
    put("churn.csv", "age\n31\n")

    with pytest.raises(kind) as caught:
        ingest.read_source(query)

    assert said in str(caught.value)
    assert "INSTALL" not in str(caught.value)


def test_parquet_keeps_its_types(put):
    times = [datetime(2024, 5, 31, 12, 30), None]
    frame = pl.DataFrame(
        {"small": pl.Series([1, 2], dtype=pl.Int8), "at": times, "on": [date(2024, 1, 1), None]}
    )
    frame.write_parquet("typed.parquet")

    found = ingest.read_source("typed.parquet")

    assert found.schema == {"small": pl.Int64, "at": pl.Datetime("us", "UTC"), "on": pl.Date}
    assert found["at"][0] == datetime(2024, 5, 31, 12, 30, tzinfo=UTC)


def test_parquet_without_rows_is_refused(put):
    pl.DataFrame({"a": []}).write_parquet("none.parquet")

    with pytest.raises(Invalid, match="has no rows"):
        ingest.read_source("none.parquet")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("data/Bank Marketing.csv.gz", "bank-marketing"),
        ("Größe.xlsx#Blatt 1", "grösse"),
        ("SELECT 1", "query"),
        ("churn.sql", "churn"),
    ],
)
def test_a_dataset_is_named_after_its_source(source, name):
    assert ingest.dataset_name(source) == name


def test_every_refusal_is_a_fettle_error_whatever_the_bytes(put):
    """A file of any bytes is read or refused; it never ends in a traceback."""
    generator = random.Random(7)
    pieces = [
        b"a,b\n",
        b"1,2\n",
        b'"',
        b"\xff",
        b"\x00",
        b"{",
        b"[1",
        b"}\n",
        b"PK\x03\x04",
        b"\xc3\xa9",
        b";",
        b"\n",
        b"PAR1",
    ]
    for number in range(300):
        content = b"".join(generator.choice(pieces) for _ in range(generator.randint(1, 12)))
        suffix = generator.choice(["csv", "json", "jsonl", "parquet", "xlsx", "txt", "csv.gz"])
        try:
            assert ingest.read_source(put(f"{number}.{suffix}", content)).height
        except FettleError:
            continue
