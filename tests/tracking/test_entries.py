"""What is logged comes out of the journal, whatever mixture of forms it was; journals of before are read too."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid
from fettle.storage import open_journal
from fettle.storage.frames import read_groups
from fettle.tracking.entries import MOST_METRICS, REFUSED, Group, Reader, declare, plain_numbers

numbers = st.floats(allow_nan=False) | st.integers(-(2**60), 2**60).map(float)
values = st.dictionaries(st.sampled_from("abcdef"), numbers, max_size=4)
records = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**60), values), max_size=60)


def write(folder: Path, logged: list[tuple[int, int, dict[str, float]]]) -> None:
    journal = open_journal(folder, segment_bytes=4096)
    forms = {}
    for step, at_us, found in logged:
        keys = tuple(found)
        form = forms.get(keys) or forms.setdefault(keys, declare(journal, len(forms), keys))
        form.append(form.pack(2, form.number, step, at_us, *found.values()))
    journal.close()


def read(folder: Path) -> dict[str, list[tuple[int, int, float]]]:
    reader = Reader()
    groups = [Group(*each) for each in read_groups(folder)]
    for group in groups:
        reader.learn(group)
    columns = reader.columns(groups)
    return {
        key: list(zip(each.steps.tolist(), each.at_us.tolist(), each.values.tolist(), strict=True))
        for key, each in columns.items()
    }


def expected(logged: list[tuple[int, int, dict[str, float]]]) -> dict[str, list[tuple[int, int, float]]]:
    rows: dict[str, list[tuple[int, int, float]]] = {}
    for step, at_us, found in logged:
        for key, value in found.items():
            rows.setdefault(key, []).append((step, at_us, value))
    return rows


@settings(deadline=None)
@given(records)
def test_any_mixture_of_forms_comes_out_in_the_order_of_logging(
    tmp_path_factory: pytest.TempPathFactory, logged: list[tuple[int, int, dict[str, float]]]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    write(folder, logged)
    assert read(folder) == expected(logged)


@settings(deadline=None, max_examples=30)
@given(records, st.integers(0, 80))
def test_what_has_arrived_is_left_out(
    tmp_path_factory: pytest.TempPathFactory, logged: list[tuple[int, int, dict[str, float]]], arrived: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    write(folder, logged)
    raw = [record for each in read_groups(folder) for record in Group(*each).records()]
    rest = []
    for each in read_groups(folder):
        group = Group(*each)
        rest += [record for record in group.behind(min(arrived, len(group))).records()]
        arrived = max(arrived - len(group), 0)
    assert rest == raw[len(raw) - len(rest) :]


def test_journals_of_before_are_read(tmp_path: Path) -> None:
    logged = [(step, step * 10, {"loss": 0.5 * step, "π": math.inf}) for step in range(300)]
    journal = open_journal(tmp_path)
    for record in logged:
        journal.append(msgspec.msgpack.encode(record))
    journal.close()
    assert read(tmp_path) == expected(logged)


def test_a_torn_end_is_not_there(tmp_path: Path) -> None:
    logged = [(step, step, {"loss": float(step)}) for step in range(50)]
    write(tmp_path, logged)
    segment = max(tmp_path.glob("*.seg"))
    with open(segment, "rb+") as file:
        file.seek(-20, 2)
        file.write(b"\xff")
    assert read(tmp_path) == expected(logged[:49])


def test_many_metrics_in_one_record(tmp_path: Path) -> None:
    logged = [(1, 2, {f"metric {number}": float(number) for number in range(MOST_METRICS)})]
    write(tmp_path, logged)
    assert read(tmp_path) == expected(logged)


@pytest.mark.parametrize("key", ["", "a\nb", "x" * 251, "\ud800"])
def test_bad_names_are_refused_before_anything_is_written(tmp_path: Path, key: str) -> None:
    journal = open_journal(tmp_path)
    with pytest.raises(Invalid, match="cannot name a metric"):
        declare(journal, 0, (key,))
    with pytest.raises(Invalid, match="too many metrics"):
        declare(journal, 0, tuple(map(str, range(100_000))))
    journal.close()
    assert list(read_groups(tmp_path)) == []


@pytest.mark.parametrize(
    ("step", "value", "said"),
    [
        (0, "high", "takes numbers"),
        (0, None, "takes numbers"),
        (0, 10**400, "beyond"),
        (2**63, 0.5, "64 bits"),
        (0.5, 0.5, "whole number"),
        ("one", 0.5, "whole number"),
        (math.nan, 0.5, "whole number"),
    ],
)
def test_what_is_no_number_is_refused(tmp_path: Path, step: object, value: object, said: str) -> None:
    journal = open_journal(tmp_path)
    form = declare(journal, 0, ("loss",))
    with pytest.raises(REFUSED):
        form.pack(2, form.number, step, 0, value)
    with pytest.raises(Invalid, match=said):
        plain_numbers(step, {"loss": value})
    journal.close()


def test_numbers_of_all_libraries_are_taken() -> None:
    given = {"a": np.float32(0.5), "b": "0.25", "c": True, "d": np.array(2.0), "e": math.nan}
    step, found = plain_numbers(np.int64(7), given)
    assert (step, [found[key] for key in "abcd"]) == (7, [0.5, 0.25, 1.0, 2.0])
    assert math.isnan(found["e"])
