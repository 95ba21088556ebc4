"""Rows to predict come from a file, from the command line or from stdin; mistakes are named."""

import io
from pathlib import Path

import pytest

from fettle.cli.predict import read_rows
from fettle.core.errors import Invalid


def test_a_row_on_the_command_line():
    assert read_rows('{"age": 31, "city": "Zürich"}') == [{"age": 31, "city": "Zürich"}]


def test_lines_on_stdin(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO('{"a": 1}\n\n{"a": 2}\n'))
    assert read_rows("-") == [{"a": 1}, {"a": 2}]


def test_a_file(tmp_path: Path):
    path = tmp_path / "new.csv"
    path.write_text("age,city\n31,Bern\n40,Chur\n")
    assert read_rows(str(path)) == [{"age": 31, "city": "Bern"}, {"age": 40, "city": "Chur"}]


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": 1} {"b": 2}', "{not json}"])
def test_what_is_no_json_is_refused(text: str):
    with pytest.raises(Invalid, match="not JSON"):
        read_rows(text)


def test_what_is_no_object_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("[1, 2]\n"))
    with pytest.raises(Invalid, match="JSON object"):
        read_rows("-")


def test_an_unknown_model_is_an_error_of_the_registry(fettle):
    said = fettle("predict", '{"a": 1}', "--model", "nobody")
    assert said.code == 3
    assert "'nobody'" in said.err
