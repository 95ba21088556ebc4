from datetime import UTC, datetime, timedelta

import pytest

from fettle.web import formats
from fettle.web.evidence import arrange

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (1, "1"),
        (0.84312, "0.8431"),
        (12.34567, "12.346"),
        (0.000123, "0.000123"),
        (1_234_567, "1,234,567"),
        (float("nan"), "nan"),
        ("Infinity", "Infinity"),
    ],
)
def test_metrics(value: object, text: str):
    assert formats.metric(value) == text


@pytest.mark.parametrize(
    ("past", "text"),
    [
        (1, "just now"),
        (42, "42 s ago"),
        (180, "3 min ago"),
        (7200, "2 h ago"),
        (86_400 * 9, "9 d ago"),
        (86_400 * 1000, "2.7 years ago"),
    ],
)
def test_ages(past: float, text: str):
    assert f">{text}</time>" in formats.age(NOW - timedelta(seconds=past), NOW)


def test_the_exact_instant_stands_beside_its_age():
    assert 'datetime="2026-03-01T12:00:00+00:00"' in formats.age(NOW, NOW)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        ([1, "a"], "1, a"),
        ({"low": 0.5}, "low 0.5000"),
        ("1997-03-15T00:00:00Z", "15 Mar 1997"),
        ("1997-03-15T07:30:00+00:00", "15 Mar 1997, 07:30"),
        ("1997-99-15T00:00:00Z", "1997-99-15T00:00:00Z"),
    ],
)
def test_small_values(value: object, text: str):
    assert formats.shown(value) == text


def test_ids_are_told_apart_by_their_ends_and_digests_by_their_beginnings():
    assert formats.short("00c8b954-c680-728c-a4ef-cdddf3218df2") == "f3218df2"
    assert formats.short("4020db70001983401403f63d8a92a429") == "4020db7000"


def test_a_name_is_one_part_of_a_path():
    assert formats.segment("a/b c?#") == "a%2Fb%20c%3F%23"
    assert formats.segment("churn@main") == "churn@main"


def test_evidence_about_many_things_becomes_a_table():
    parted = arrange(
        {"rows": 672, "features": {"a": {"psi": 1.5, "signals": []}, "b": {"psi": 2}}, "shown": {"low": 1}}
    )
    assert parted.facts == [("rows", 672), ("low", 1)]
    (grid,) = parted.grids
    assert (grid.name, grid.columns, grid.numbers) == ("features", ["psi", "signals"], frozenset({"psi"}))
    assert [name for name, _ in grid.rows] == ["a", "b"]


def test_evidence_in_a_list_is_named_by_its_names():
    (grid,) = arrange({"gates": [{"name": "parity", "passed": True}, {"passed": False}]}).grids
    assert [name for name, _ in grid.rows] == ["parity", "2"]
