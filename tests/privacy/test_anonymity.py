"""Anonymity: the published examples, a slow and plain count beside it, and what the report suggests."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from fettle.core.errors import Invalid, NotFound
from fettle.privacy.anonymity import check

SALARIES = pl.DataFrame(  # Li, Li and Venkatasubramanian 2007, table 3 and section 4.2
    {
        "zip": ["476**"] * 3 + ["4790*"] * 3 + ["476*"] * 3,
        "salary": [3, 4, 5, 6, 11, 8, 7, 9, 10],
    }
)


def test_closeness_of_the_published_example():
    """The group {3k, 4k, 5k} has distance 0.375 from {3k … 11k}, {6k, 8k, 11k} has 0.167."""
    assert check(SALARIES, ["zip"], sensitive="salary", k=3).t == pytest.approx(0.375)
    others = SALARIES.with_columns(
        zip=pl.when(pl.col("zip") == "4790*").then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    from fettle.privacy.anonymity import closeness

    assert closeness(others, ["zip"], "salary") == pytest.approx(1 / 6, abs=1e-9)


ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.sampled_from("xyz")), min_size=1, max_size=40
)


@given(ROWS)
@settings(deadline=None)
def test_the_same_as_counting_by_hand(rows: list[tuple[str, int, str]]):
    frame = pl.DataFrame(rows, schema=["a", "b", "s"], orient="row")
    found = check(frame, ["a", "b"], sensitive="s", k=3)
    groups: dict[tuple[str, int], list[str]] = defaultdict(list)
    for a, b, s in rows:
        groups[a, b].append(s)
    sizes = [len(each) for each in groups.values()]
    assert (found.k, found.groups) == (min(sizes), len(groups))
    assert found.at_risk == sum(size for size in sizes if size < 3)
    assert found.l == min(len(set(each)) for each in groups.values())
    entropies = [
        -sum(n / len(g) * math.log(n / len(g)) for n in Counter(g).values()) for g in groups.values()
    ]
    assert found.entropy_l == pytest.approx(math.exp(min(entropies)))
    whole = Counter(s for *_, s in rows)
    far = max(
        sum(abs(Counter(g)[v] / len(g) - whole[v] / len(rows)) for v in whole) / 2 for g in groups.values()
    )
    assert found.t == pytest.approx(far if len(whole) > 1 else 0.0)


@given(ROWS)
@settings(deadline=None)
def test_ordered_distance_is_scipys(rows: list[tuple[str, int, str]]):
    frame = pl.DataFrame(rows, schema=["a", "b", "s"], orient="row")
    levels = sorted({b for _, b, _ in rows})
    found = check(frame, ["a"], sensitive="b", k=1).t
    ranks = [levels.index(b) for _, b, _ in rows]
    groups = defaultdict(list)
    for (a, b, _), _ in zip(rows, ranks, strict=True):
        groups[a].append(levels.index(b))
    far = max(wasserstein_distance(each, ranks) for each in groups.values()) / max(1, len(levels) - 1)
    assert found == pytest.approx(far)


def test_a_fault_says_what_is_too_low_and_what_helps():
    frame = pl.DataFrame(
        {
            "zip": [f"{each:05d}" for each in range(40)],
            "age": [30 + each % 40 for each in range(40)],
            "ill": ["flu"] * 40,
        }
    )
    found = check(frame, ["zip", "age"], sensitive="ill", k=5, l=2)
    assert found.k == 1 and found.share_at_risk == 1.0
    assert "k is 1, 5 wanted" in found.fault and "l is 1" in found.fault
    assert found.suggestions and found.suggestions[0].at_risk <= found.at_risk
    assert "k = 1" in "\n".join(found.lines())
    assert check(frame, ["ill"], k=5).fault == ""


def test_bad_input():
    frame = pl.DataFrame({"a": [1]})
    with pytest.raises(NotFound):
        check(frame, ["b"])
    with pytest.raises(Invalid):
        check(frame, [])
    assert check(frame.clear(), ["a"]).rows == 0
