"""Tables for people, one JSON document for programs."""

from datetime import UTC, datetime

import msgspec
import pytest

from fettle.cli.output import cell, emit, emit_report


class Part(msgspec.Struct, frozen=True):
    name: str
    size_bytes: int


class Thing(msgspec.Struct, frozen=True):
    name: str
    at: datetime
    score: float | None
    parts: list[Part] = []
    tags: dict[str, str] = {}
    note: str = ""


AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
THINGS = [Thing("a", AT, 0.123456, [Part("p", 2048)], {"k": "v"}), Thing("a much longer name", AT, None)]


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (None, "", ""),
        (True, "", "yes"),
        (7, "", "7"),
        (2048, "size_bytes", "2.0 KiB"),
        (0.123456, "", "0.1235"),
        (AT, "at", "2026-01-02 03:04:05"),
        ("ab" * 32, "bundle", "abababababab"),
        (["a", "b"], "", "a, b"),
        (list("abcdef"), "", "a, b, c, d, … 2 more"),
        ({"k": 1.5}, "", "k=1.5"),
    ],
)
def test_a_cell_is_short(value: object, name: str, text: str):
    assert cell(value, name) == text


def test_records_become_a_table_without_empty_columns(capsys: pytest.CaptureFixture[str]):
    emit(THINGS, as_json=False)
    head, rule, first, second = capsys.readouterr().out.rstrip().splitlines()
    assert head.split() == ["name", "at", "score", "parts", "tags"]
    assert set(rule.replace(" ", "")) == {"─"}
    assert first.split()[:4] == ["a", "2026-01-02", "03:04:05", "0.1235"]
    assert "a much longer name" in second


def test_one_record_shows_its_parts_below(capsys: pytest.CaptureFixture[str]):
    emit(THINGS[0], as_json=False)
    out = capsys.readouterr().out
    assert "name   a\n" in out
    assert "2.0 KiB" in out


def test_json_is_one_document_on_stdout(capsys: pytest.CaptureFixture[str]):
    emit(THINGS, as_json=True)
    assert msgspec.json.decode(capsys.readouterr().out, type=list[Thing]) == THINGS


def test_nothing_is_said_on_stderr(capsys: pytest.CaptureFixture[str]):
    emit([], as_json=False, empty="No things yet.")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "No things yet.\n")


def test_a_report_uses_its_own_words(capsys: pytest.CaptureFixture[str]):
    class Report:
        def lines(self) -> list[str]:
            return ["it", "went well"]

        def as_dict(self) -> dict[str, int]:
            return {"well": 1}

    emit_report(Report(), as_json=False)
    emit_report(Report(), as_json=True)
    assert capsys.readouterr().out == 'it\nwent well\n{"well":1}\n'


@pytest.mark.parametrize("width", [200, 100, 60, 30])
def test_a_table_fits_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", str(width))
    many = [
        Thing("n" * 20, AT, 0.5, [Part("p", 1)], {f"key{i}": "v" * 20 for i in range(4)}, "why " * 30)
    ] * 3
    emit(many, as_json=False)
    said = capsys.readouterr()
    assert max(len(line) for line in said.out.splitlines()) <= width
    hidden = [name for name in ("score", "tags", "note") if name not in said.out.splitlines()[0]]
    assert all(name in said.err for name in hidden)


def test_wide_signs_keep_the_columns_straight(capsys: pytest.CaptureFixture[str]):
    emit([{"name": "売上", "rows": 1}, {"name": "ab", "rows": 10}], as_json=False)
    _, _, first, second = capsys.readouterr().out.splitlines()
    assert first == "売上     1"
    assert second == "ab      10"
