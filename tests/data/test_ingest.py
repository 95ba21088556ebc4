"""Reading a source: what is good comes in typed, what is bad is said in one sentence with its place."""

import gzip
import os
import random
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core import ids
from fettle.core.errors import Denied, FettleError, Invalid, NotFound
from fettle.data import documents, ingest

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
    "bar.csv": ("a|b\n1|x\n", [{"a": 1, "b": "x"}]),
    "utf32.csv": ("a,b\n1,é\n".encode("utf-32"), [{"a": 1, "b": "é"}]),
    "latin.jsonl": ('{"a":"Müller"}\n{"a":"x"}\n'.encode("latin-1"), [{"a": "Müller"}, {"a": "x"}]),
    "packed-latin.csv.gz": (gzip.compress("a,b\n1,Müller\n".encode("cp1252")), [{"a": 1, "b": "Müller"}]),
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
    "no-encoding.csv": (b"name,v\n\x81\x8d\x9d,1\n", Invalid, "is not in UTF-8", "the byte 0x81 in line 2"),
    "czech-or-not.csv": ("jméno\nŘehoř\nčeština\n".encode("cp1250"), Invalid, "is not in UTF-8", "1250: 'jméno'"),
    "cut-utf16.csv": ("a,b\n1,x\n".encode("utf-16") + b"z", Invalid, "is not in UTF-16", "in line 3"),
    "cut.arrow": (b"ARROW1\x00\x00" + b"x" * 99, Invalid, "broken Arrow", ""),
    "text.sqlite": ("a,b\n1,2\n", Invalid, "is not the sqlite file", "plain text"),
    "cut.db": (b"SQLite format 3\x00" + b"x" * 99, Invalid, "is broken", "not a database"),
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


def test_a_folder_of_files_of_one_kind_is_one_table(put, tmp_path):
    for name, content in (
        ("b.csv", "v,a\nx,2\n"),
        ("a.csv", "a,v\n1,y\n"),
        ("_done", ""),
        (".hidden.csv", "q\n1\n"),
    ):
        put(name, content)

    found = ingest.read(str(tmp_path))

    assert found.frame.rows() == [(1, "y"), (2, "x")]
    assert found.source == ingest.source_of(str(tmp_path))
    assert (found.source.kind, found.source.size_bytes) == ("csv", 16)


def test_a_glob_is_one_table_whose_columns_are_typed_together(put):
    Path("in").mkdir()
    put("in/1.csv", "code,n\n12,1\n")
    put("in/2.csv", "code,n\n\nA7,2.5\n")

    found = ingest.read("in/*.csv")

    assert found.frame.rows() == [("12", 1.0), ("A7", 2.5)]
    assert ingest.dataset_name("in/*.csv") == "in"


def test_several_files_must_fit_together(put):
    for folder in ("kinds", "columns", "types", "bad", "none"):
        Path(folder).mkdir()
    put("kinds/a.csv", "a\n1\n")
    put("kinds/b.jsonl", '{"a":1}\n{"a":2}\n')
    put("columns/a.csv", "a,b\n1,2\n")
    put("columns/b.csv", "a,c\n1,2\n")
    put("types/a.jsonl", '{"a":1}\n{"a":2}\n')
    put("types/b.jsonl", '{"a":"x"}\n{"a":"y"}\n')
    put("bad/a.csv", f"a,b\n{NUMBERED}")
    put("bad/b.csv", "a,b\n1,x\n\nabc,x\n")

    for source, kind, said in (
        ("kinds", Invalid, "csv: kinds/a.csv, jsonl: kinds/b.jsonl"),
        ("columns", Invalid, "columns/b.csv has other columns than columns/a.csv"),
        ("types/*.jsonl", Invalid, "integer in types/a.jsonl, string in types/b.jsonl"),
        ("bad", Invalid, "line 4 of bad/b.csv"),
        ("none", Invalid, "is a folder"),
        ("none/*.csv", NotFound, "0 files"),
    ):
        with pytest.raises(kind) as caught:
            ingest.read_source(source)
        assert said in str(caught.value)


ENCODINGS = {
    "cp1252": "name,v\nMüller,1\nHélène,2\n5 €,3\n",
    "latin-1": "name,v\nMüller,1\nHélène,2\n",
    "iso8859-15": "name,v\n5 €,1\nMüller,2\n",
    "cp1250": "imię,miasto\nŁukasz,Łódź\nŻaneta,Gdańsk\n",
    "cp1251": "имя,город\nИван,Москва\nОльга,Петербург\n",
    "koi8-r": "имя,город\nИван,Москва\nОльга,Петербург\n",
    "cp1253": "όνομα,πόλη\nΓιώργος,Αθήνα\nΜαρία,Θεσσαλονίκη\n",
    "cp850": "name,v\nMüller,1\nGröße,2\nHélène à Besançon,3\nÄpfel,4\n",
    "mac-roman": "name,v\nMüller,1\nGröße,2\nHélène à Besançon,3\nÄpfel,4\n",
    "shift_jis": "名前,都市\nさくら,東京\nひろし,大阪\n",
    "euc-jp": "名前,都市\nさくら,東京\nひろし,大阪\n",
    "gb18030": "姓名,城市\n王小明,北京\n李华,上海\n",
    "big5": "姓名,城市\n王小明,臺北\n李華,高雄\n",
    "euc-kr": "이름,도시\n김철수,서울\n이영희,부산\n",
    "utf-16": "name,v\nMüller,1\n",
    "utf-16-le": "name,v\nMüller,1\n",
    "utf-16-be": "name,v\nMüller,1\n",
    "utf-32": "name,v\nMüller,1\n",
    "utf-32-le": "name,v\nMüller,1\n",
    "utf-32-be": "name,v\nMüller,1\n",
}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [ENCODINGS["cp1251"], ENCODINGS["gb18030"]])
def test_texts_without_a_mark_need_no_latin_letters(put, encoding, text):
    assert ingest.read(put("text.csv", text.encode(encoding))).frame.columns == text.split("\n")[0].split(",")


def test_bytes_that_look_like_no_text_are_read_if_their_encoding_is_named(put):
    put("odd.csv", "a,b\nĀ,\u0100\n".encode("utf-16-le"))

    with pytest.raises(Invalid, match="binary"):
        ingest.read("odd.csv")
    assert ingest.read("odd.csv", encoding="utf-16-le").frame.rows() == [("Ā", "Ā")]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_is_found_out_and_told_or_named(put, encoding):
    text = ENCODINGS[encoding]
    wanted = [line.split(",") for line in text.splitlines()]

    found = ingest.read(put("text.csv", text.encode(encoding)))
    named = ingest.read("text.csv", encoding=encoding)

    for frame in (found.frame, named.frame):
        assert frame.columns == wanted[0]
        assert [[str(value) for value in row] for row in frame.rows()] == wanted[1:]
    assert named.notes == []
    assert (found.notes == []) == (encoding in ("utf-16", "utf-32"))


def test_a_late_byte_of_another_encoding_is_told_with_its_line(put):
    found = ingest.read(put("late.csv", b"name,v\n" + b"x,1\n" * 90_000 + b"\xe9,1\n"))

    assert found.frame["name"][-1] == "é"
    assert "Windows-1252 (line 90002: 'é,1')" in found.notes[0]


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-9", "no encoding 'utf-9'"), ("ascii", "is not in ASCII")]
)
def test_a_wrong_encoding_is_refused(put, encoding, said):
    with pytest.raises(Invalid) as caught:
        ingest.read(put("a.csv", "a\né\n"), encoding=encoding)

    assert said in caught.value.message


UNEVEN = 'a,b\n1,2\n3\n"4\n4",5\n6,7,8\n\n9,10\n'


def test_all_uneven_lines_are_named_in_the_error(put):
    with pytest.raises(Invalid) as caught:
        ingest.read(put("uneven.csv", UNEVEN))

    assert "line 3 has 1 field(s) where the header has 2" in caught.value.message
    assert "2 such lines in all: 3, 6" in caught.value.found


def test_uneven_rows_are_left_out_and_named(put):
    found = ingest.read(put("uneven.csv", UNEVEN), ragged="skip")

    assert found.frame.rows() == [("1", 2), ("4\n4", 5), ("9", 10)]
    assert found.rejected == 2
    assert any("2 row(s)" in note and "line(s) 3, 6" in note for note in found.notes)


def test_uneven_rows_are_filled_up_and_nothing_is_cut(put):
    found = ingest.read(put("uneven.csv", UNEVEN), ragged="pad")

    assert found.frame.columns == ["a", "b", "column_3"]
    assert found.frame.rows()[1] == ("3", None, None)
    assert found.frame.rows()[3] == ("6", 7, 8)
    assert found.rejected == 0


def test_only_so_many_lines_are_named_but_all_are_counted(put):
    put("uneven.csv", "a,b\n" + "1\n" * 5_000)

    with pytest.raises(Invalid) as caught:
        ingest.read("uneven.csv")

    assert "5,000 such lines in all: 2, 3," in caught.value.found
    assert "… 4,900 more" in caught.value.found


def test_a_mixed_column_of_a_mended_file_is_told_with_its_line(put):
    put("mended.csv", f"a,b\n1\n{NUMBERED}abc,x\n")

    with pytest.raises(Invalid) as caught:
        ingest.read("mended.csv", ragged="skip")

    assert "the first in line 53" in caught.value.found


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ('n,x\n"1,234.50",a\n12,b\n', [1234.5, 12.0]),
        ('n,x\n"1,234",a\n"12,345,678",b\n', [1234, 12345678]),
        ('n,x\n"1,5",a\n"1.234,25",b\n', [1.5, 1234.25]),
        ("n;x\n1,234;a\n", [1.234]),
        ("n;x\n1,234;a\n1,234.5;b\n", [1234.0, 1234.5]),
        ("n;x\n1 234,5;a\n12;b\n", [1234.5, 12.0]),
        ("n;x\n1\u202f234;a\n1'234'567;b\n", [1234, 1234567]),
        ("n;x\n1.234.567;a\n1,5;b\n", [1234567.0, 1.5]),
        ('n,x\n"1,234.5",a\n"1,5",b\n', ["1,234.5", "1,5"]),
        ("n;x\n1,5;a\n2.5;b\n", ["1,5", "2.5"]),
    ],
)
def test_numbers_are_read_as_people_write_them(put, content, values):
    found = ingest.read(put("numbers.csv", content))

    assert found.frame["n"].to_list() == values
    assert any("numbers with marks" in note for note in found.notes) == isinstance(values[0], int | float)


def test_arrow_files_and_streams_and_feather_are_read(put):
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, 2.5]})
    frame.write_ipc("a.arrow")
    frame.write_ipc("lz4.feather", compression="lz4")
    frame.write_ipc_stream("a.arrows")

    for name in ("a.arrow", "lz4.feather", "a.arrows"):
        assert ingest.read_source(name).equals(frame), name


def test_a_broken_row_in_the_middle_of_many_json_lines_is_told_with_its_line(put):
    put("rows.jsonl", '{"a":1,"b":"x"}\n' * 5_000 + '{"a":2,"b":\n' + '{"a":1,"b":"x"}\n' * 10)

    with pytest.raises(Invalid) as caught:
        ingest.read("rows.jsonl")

    assert "line 5001" in caught.value.found


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["x", "12", "true", "2024-05-31", "[1]", "", "é😀"]),
)
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from("pq"), SCALARS, max_size=2)
)


@given(rows=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), min_size=2, max_size=6))
@settings(max_examples=120, deadline=None)
def test_reading_json_lines_at_once_gives_what_reading_them_one_by_one_gives(rows):
    data = b"\n".join(msgspec.json.encode(row) for row in rows) + b"\n"
    at_once = documents.read_lines_at_once(data)
    if at_once is None:
        return
    one_by_one, notes = documents.read_rows(data, "rows", mixed="text")

    order = sorted(one_by_one.columns)
    assert at_once[0].select(order).schema == one_by_one.select(order).schema
    assert at_once[0].select(order).equals(one_by_one.select(order))
    assert at_once[1] == notes


@pytest.mark.parametrize(
    "path", ["ftp://example.org/x.csv", "gs://bucket/x.parquet", "/dev/null", "a\0b", "x" * 300]
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


def test_a_folder_without_permission_is_denied(tmp_path, as_nobody):
    nobody = os.geteuid()
    os.seteuid(os.getuid())
    (tmp_path / "closed").mkdir(mode=0)
    os.seteuid(nobody)

    with pytest.raises(Denied, match="cannot be read"):
        ingest.read_source(str(tmp_path / "closed"))


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
        ("https://example.org/files/Churn.csv?x=1", "churn"),
        ("postgresql://host/db?table=public.orders", "orders"),
        ("sales/**/*.parquet", "sales"),
        ("shop.db#orders", "shop"),
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


def test_a_file_that_two_programs_wrote_is_read_line_by_line(tmp_path):
    file = tmp_path / "two.csv"
    lines = [
        "id,city",
        *(f"{number},Zürich" for number in range(20)),
        *(f"{number},Genève" for number in range(20)),
    ]
    coded = [line.encode("cp1252" if place < 30 else "utf-8") for place, line in enumerate(lines)]
    file.write_bytes(b"\n".join(coded) + b"\n")
    found = ingest.read(file)
    assert found.frame["city"].to_list() == ["Zürich"] * 20 + ["Genève"] * 20
    assert any("11 line(s) are in UTF-8 all the same, the first is line 31" in note for note in found.notes)
