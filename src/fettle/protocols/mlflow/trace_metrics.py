"""Statistics of traces, of their spans and of what was judged of them; and how two filters go together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import invalid
from fettle.protocols.mlflow.filters import Comparison, comparisons, parse
from fettle.protocols.mlflow.names import experiment_number
from fettle.protocols.mlflow.paging import page
from fettle.protocols.mlflow.trace_rows import Row, assessment_rows, span_rows, trace_rows
from fettle.protocols.mlflow.trace_search import FAMILIES, MOST_LOOKED_AT, values_of
from fettle.protocols.mlflow.translate import LARGEST
from fettle.tracking.records.traces import Trace

BOOK = Book()
MOST_POINTS = 1000
MOST_EXPERIMENTS = 1000
_LONGEST_INTERVAL_S = 10 * 366 * 86_400


class Aggregation(msgspec.Struct):
    """How values become one."""

    aggregation_type: str | int
    percentile_value: float | None = None


class Ask(msgspec.Struct):
    """Fields of `traces/metrics`."""

    experiment_ids: list[str]
    view_type: str | int
    metric_name: str
    aggregations: list[Aggregation]
    dimensions: list[str] = []
    filters: list[str] = []
    time_interval_seconds: int | None = None
    start_time_ms: int | None = None
    end_time_ms: int | None = None
    max_results: int = MOST_POINTS
    page_token: str = ""


class Correlation(msgspec.Struct):
    """Fields of `traces/calculate-filter-correlation`."""

    experiment_ids: list[str]
    filter_string1: str
    filter_string2: str
    base_filter: str = ""


class _Metric(NamedTuple):
    """What a metric allows: how it is summed up, and by what it is grouped."""

    kinds: tuple[str, ...]
    dimensions: tuple[str, ...] = ()


_SPREAD = ("AVG", "MIN", "MAX", "PERCENTILE")
_TOKENS = _Metric(("SUM", *_SPREAD), ("trace_name",))
_COST = _Metric(("SUM", *_SPREAD), ("span_model_name", "span_model_provider"))
_OF_SPANS = ("span_name", "span_type", "span_status", "span_model_name", "span_model_provider")
_VIEWS: dict[str, dict[str, _Metric]] = {
    "TRACES": {
        "trace_count": _Metric(("COUNT",), ("trace_name", "trace_status")),
        "session_count": _Metric(("COUNT",)),
        "latency": _Metric(_SPREAD, ("trace_name",)),
        "input_tokens": _TOKENS,
        "output_tokens": _TOKENS,
        "total_tokens": _TOKENS,
        "cache_read_input_tokens": _TOKENS,
        "cache_creation_input_tokens": _TOKENS,
    },
    "SPANS": {
        "span_count": _Metric(("COUNT",), _OF_SPANS),
        "latency": _Metric(_SPREAD, ("span_name", "span_status")),
        "input_cost": _COST,
        "output_cost": _COST,
        "total_cost": _COST,
    },
    "ASSESSMENTS": {
        "assessment_count": _Metric(("COUNT",), ("assessment_name", "assessment_value")),
        "assessment_value": _Metric(_SPREAD, ("assessment_name",)),
    },
}
_VIEW_NUMBERS = {"1": "TRACES", "2": "SPANS", "3": "ASSESSMENTS"}
_KINDS = {"1": "COUNT", "2": "SUM", "3": "AVG", "4": "PERCENTILE", "5": "MIN", "6": "MAX"}
_FILTERED: dict[str, tuple[str, ...]] = {
    "trace": ("status",),
    "span": ("name", "status", "type"),
    "assessment": ("name", "type"),
}


@BOOK.on("POST", "traces/metrics", version="3.0")
def measure(call: Call, asked: Ask) -> Any:
    """Sum up traces, spans or assessments, by time and by what they have in common."""
    view = _view(asked)
    ways = [_way(each, _VIEWS[view][asked.metric_name]) for each in asked.aggregations]
    if not ways:
        raise invalid("At least one aggregation must be asked for.")
    if not 1 <= asked.max_results <= MOST_POINTS:
        raise invalid(f"max_results must be between 1 and {MOST_POINTS}. Got {asked.max_results}.")
    groups: dict[tuple[str, ...], list[float]] = {}
    for row in _rows(call, asked, view):
        if (place := _group(row, asked)) is not None:
            groups.setdefault(place, []).append(row.value)
    points = [_point(place, groups[place], asked, ways) for place in sorted(groups)]
    if not groups and not asked.dimensions and asked.time_interval_seconds is None:
        points = [_point((), [], asked, ways)] if all(name == "COUNT" for name, _ in ways) else []
    some, token = page(points, asked.page_token, asked.max_results)
    answer: dict[str, Any] = {"data_points": some} if some else {}
    return {**answer, "next_page_token": token} if token else answer


@BOOK.on("POST", "traces/calculate-filter-correlation", version="3.0")
def correlate(call: Call, asked: Correlation) -> Any:
    """Tell whether two filters go together: normalised pointwise mutual information, plain and smoothed."""
    base, first, second = (
        parse(each, FAMILIES) for each in (asked.base_filter, asked.filter_string1, asked.filter_string2)
    )
    known = [values_of(each) for each in _traces(call, asked.experiment_ids)]
    known = [each for each in known if base(each)]
    one, two = [first(each) for each in known], [second(each) for each in known]
    both = sum(a and b for a, b in zip(one, two, strict=True))
    counts = (both, sum(one) - both, sum(two) - both, len(known) - sum(one) - sum(two) + both)
    defined = sum(one) > 0 and sum(two) > 0
    return {
        "npmi": _number(-1.0 if defined and not both else _npmi(*counts) if defined else math.nan),
        "npmi_smoothed": _number(_npmi(*(each + 0.5 for each in counts)) if defined else math.nan),
        "filter1_count": sum(one),
        "filter2_count": sum(two),
        "joint_count": both,
        "total_count": len(known),
    }


def _npmi(both: float, first: float, second: float, neither: float) -> float:
    """Mutual information of two events over that of their meeting, from -1 to 1 (Bouma, 2009)."""
    total = both + first + second + neither
    if both == total:
        return 1.0
    shared = math.log(both * total / ((both + first) * (both + second)))
    return max(-1.0, min(1.0, shared / -math.log(both / total)))


def _number(value: float) -> float | str:
    return "NaN" if math.isnan(value) else value


def _view(asked: Ask) -> str:
    view = _VIEW_NUMBERS.get(str(asked.view_type), str(asked.view_type))
    if view not in _VIEWS:
        raise invalid(f"view_type must be one of {list(_VIEWS)}, got '{view[:80]}'")
    known = _VIEWS[view]
    if asked.metric_name not in known:
        raise invalid(f"metric_name must be one of {list(known)}, got '{asked.metric_name[:80]}'")
    strange = sorted(set(asked.dimensions) - set(known[asked.metric_name].dimensions))
    if strange:
        supported = sorted(known[asked.metric_name].dimensions)
        raise invalid(f"Found invalid dimension(s): {strange[:10]}. Supported dimensions: {supported}")
    if asked.time_interval_seconds is not None and not 0 < asked.time_interval_seconds <= _LONGEST_INTERVAL_S:
        raise invalid(f"time_interval_seconds must be between 1 and {_LONGEST_INTERVAL_S}.")
    return view


def _way(asked: Aggregation, metric: _Metric) -> tuple[str, float]:
    """The name of an aggregation, and the percentile it asks for."""
    name = _KINDS.get(str(asked.aggregation_type), str(asked.aggregation_type))
    if name not in metric.kinds:
        raise invalid(
            f"Found invalid aggregation_type(s): ['{name[:80]}']. "
            f"Supported aggregation types: {sorted(metric.kinds)}"
        )
    share = asked.percentile_value
    if name == "PERCENTILE" and (share is None or not 0 <= share <= 100):
        raise invalid(f"Percentile value must be between 0 and 100, got {share}")
    if name != "PERCENTILE" and share is not None:
        raise invalid(f"Percentile value is only allowed for PERCENTILE aggregation type, got {name}")
    return name, share or 0.0


def _traces(call: Call, experiments: list[str]) -> list[Trace]:
    numbers = [experiment_number(each) for each in experiments]
    if not 0 < len(numbers) <= MOST_EXPERIMENTS:
        raise invalid(f"From 1 to {MOST_EXPERIMENTS} experiments must be named.")
    return call.perform("tracking.traces", experiments=numbers, most=MOST_LOOKED_AT)


def _rows(call: Call, asked: Ask, view: str) -> Iterable[Row]:
    kept = [_filter(each, view) for each in asked.filters]
    first = -math.inf if asked.start_time_ms is None else asked.start_time_ms
    last = math.inf if asked.end_time_ms is None else asked.end_time_ms
    found = _traces(call, asked.experiment_ids)
    if view == "TRACES":
        rows = trace_rows(found, asked.metric_name)
    elif view == "ASSESSMENTS":
        rows = assessment_rows(found, asked.metric_name)
    else:
        rows = span_rows(call, found, asked.metric_name, first, last)
    return (each for each in rows if first <= each.timed_ms <= last and all(holds(each) for holds in kept))


def _filter(text: str, view: str) -> Callable[[Row], bool]:
    """A filter such as `trace.status = 'OK'`, `trace.tag.team = 'a'` or `span.name = 'chat'`."""
    found = comparisons(text, dict.fromkeys(_FILTERED))
    if len(found) != 1 or found[0].op != "=":
        raise invalid(f"Invalid filter: '{text[:300]}'. Expected one clause with the operator '='.")
    one = found[0]
    entity, _, key = one.key.partition(".")
    keyed = one.family == "trace" and entity in ("tag", "metadata")
    if (not keyed and one.key not in _FILTERED[one.family]) or (keyed and not key):
        raise invalid(f"Invalid entity '{one.key[:80]}' specified for view type '{one.family}'.")
    if one.family != "trace" and not view.startswith(one.family.upper()):
        raise invalid(f"Filtering by {one.family} is only supported for its own view type, not for {view}.")
    return _holds(one)


def _holds(one: Comparison) -> Callable[[Row], bool]:
    entity, _, key = one.key.partition(".")
    if one.family != "trace":
        return lambda row: row.own.get(f"{one.family}_{entity}") == one.value
    if entity == "tag":
        return lambda row: row.trace.tags.get(key) == one.value
    if entity == "metadata":
        return lambda row: _metadata(row.trace, key) == one.value
    return lambda row: row.trace.state == one.value


def _metadata(trace: Trace, key: str) -> str | None:
    return trace.run if key == "mlflow.sourceRun" and trace.run else trace.metadata.get(key)


def _group(row: Row, asked: Ask) -> tuple[str, ...] | None:
    """Where a row belongs; None if it lacks what is grouped by."""
    place = [row.own.get(name) for name in asked.dimensions]
    if asked.time_interval_seconds is not None:
        width = asked.time_interval_seconds * 1000
        began = row.at_ms // width * width
        place.insert(0, datetime.fromtimestamp(began / 1000, UTC).isoformat())
    return None if any(each is None for each in place) else tuple(str(each) for each in place)


def _point(
    place: tuple[str, ...], values: list[float], asked: Ask, ways: list[tuple[str, float]]
) -> dict[str, Any]:
    names = list(asked.dimensions)
    if asked.time_interval_seconds is not None:
        names.insert(0, "time_bucket")
    if asked.metric_name == "session_count":
        values = sorted(set(values))
    ordered = sorted(values)
    shown = {
        f"P{share}" if name == "PERCENTILE" else name: _summed(name, share, ordered) for name, share in ways
    }
    dimensions = dict(zip(names, place, strict=True))
    return {"metric_name": asked.metric_name, "dimensions": dimensions, "values": shown}


def _summed(name: str, share: float, ordered: list[float]) -> float:
    if name == "COUNT":
        return float(len(ordered))
    if name in ("SUM", "AVG"):
        total, mean = _total_and_mean(ordered)
        return total if name == "SUM" else mean
    if name in ("MIN", "MAX"):
        return ordered[0 if name == "MIN" else -1]
    place = share / 100 * (len(ordered) - 1)
    low = math.floor(place)
    part = place - low
    return ordered[low] * (1 - part) + ordered[min(low + 1, len(ordered) - 1)] * part


def _total_and_mean(values: list[float]) -> tuple[float, float]:
    """Sum and mean; a sum that no float can hold is the largest one."""
    try:
        total = math.fsum(values)
    except OverflowError:
        mean = math.fsum(each / len(values) for each in values)
        return max(-LARGEST, min(LARGEST, mean * len(values))), mean
    return total, total / len(values)
