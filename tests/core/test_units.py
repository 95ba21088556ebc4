"""Durations and sizes, both ways."""

from __future__ import annotations

import pytest

from fettle.core.errors import Invalid
from fettle.core.units import duration_s, duration_text, size_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("1h30m", 5400),
        ("14d", 1_209_600),
        ("2w", 1_209_600),
        ("250ms", 0.25),
        (7, 7),
        ("7", 7),
    ],
)
def test_durations_are_read(text: str | int, seconds: float):
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "3 parsecs", "-1h", "1h x"])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(Invalid):
        duration_s(text)


def test_durations_and_sizes_are_written_for_people():
    assert [duration_text(each) for each in (0.25, 42, 200, 90_000)] == [
        "0.25 s",
        "42 s",
        "3 min 20 s",
        "1 d 1 h",
    ]
    assert [size_text(each) for each in (812, 4096, 1_400_000_000)] == ["812 B", "4.0 KiB", "1.3 GiB"]
