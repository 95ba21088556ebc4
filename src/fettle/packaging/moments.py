"""The parts of dates and times that a model takes: of one, and of a whole column, to the same bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fettle.training.records import MomentPart

_NAN = float("nan")
FEW = 16
"""Up to here a value at a time is quicker than a column."""


def moment_parts(moment: datetime | None, parts: Sequence[MomentPart]) -> list[float]:
    """The parts of one time, exactly as `training.features.moment_parts` takes them from a column; None gives NaN."""
    if moment is None:
        return [_NAN] * len(parts)
    leap = moment.year % 4 == 0 and (moment.year % 100 != 0 or moment.year % 400 == 0)
    day_of_year = moment.timetuple().tm_yday
    found = {
        "year": moment.year + (day_of_year - 1) / (366.0 if leap else 365.0),
        "month": moment.month,
        "day": moment.day,
        "weekday": moment.isoweekday(),
        "hour": moment.hour + moment.minute / 60.0,
    }
    return [found[part] for part in parts]


def listed_parts(moments: Sequence[datetime | None], parts: Sequence[MomentPart]) -> NDArray[np.float32]:
    """The parts of times as a column each, (parts, rows); times have no zone and count as UTC."""
    if len(moments) > FEW:
        return column_parts(np.array(moments, dtype="M8[us]"), parts)
    told = np.array([moment_parts(each, parts) for each in moments], dtype=np.float32)
    return np.ascontiguousarray(told.reshape(len(moments), len(parts)).T)


def column_parts(moments: NDArray[np.datetime64], parts: Sequence[MomentPart]) -> NDArray[np.float32]:
    """The same of an array of times in UTC, of any unit; NaT gives NaN.

    Example:
        >>> column_parts(np.array(["2024-07-02T06:30"], dtype="M8[us]"), ("year", "weekday", "hour")).tolist()
        [[2024.5], [2.0], [6.5]]
    """
    found = np.empty((len(parts), len(moments)), dtype=np.float32)
    for place, part in enumerate(parts):
        found[place] = _PARTS[part](moments)
    found[:, np.isnat(moments)] = np.nan
    return found


def years(moments: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """The year of each time; of NaT it is no year."""
    return moments.astype("M8[Y]").astype(np.int64) + 1970


def _since(moments: NDArray[np.datetime64], begin: str, unit: str) -> NDArray[np.int64]:
    """How many whole units lie between the begin of each time's year, month or day and the time."""
    return (moments.astype(f"M8[{unit}]") - moments.astype(f"M8[{begin}]").astype(f"M8[{unit}]")).astype(
        np.int64
    )


def _year(moments: NDArray[np.datetime64]) -> NDArray[np.float64]:
    year = years(moments)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return year + _since(moments, "Y", "D") / np.where(leap, 366.0, 365.0)


def _month(moments: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return _since(moments, "Y", "M") + 1


def _day(moments: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return _since(moments, "M", "D") + 1


def _weekday(moments: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return (moments.astype("M8[D]").astype(np.int64) + 3) % 7 + 1


def _hour(moments: NDArray[np.datetime64]) -> NDArray[np.float64]:
    minutes = _since(moments, "D", "m")
    return minutes // 60 + minutes % 60 / 60.0


_PARTS: Mapping[MomentPart, Callable[[NDArray[np.datetime64]], NDArray[Any]]] = {
    "year": _year,
    "month": _month,
    "day": _day,
    "weekday": _weekday,
    "hour": _hour,
}
