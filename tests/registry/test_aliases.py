from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from fettle.registry.aliases import earlier_versions, rollback_target
from fettle.registry.records import AliasChange, Move

AT = datetime(1996, 5, 7, tzinfo=UTC)


def moves(*steps: tuple[Move, int | None]) -> list[AliasChange]:
    previous: int | None = None
    made = []
    for number, (move, version) in enumerate(steps):
        made.append(AliasChange(str(number), "m", "champion", version, previous, move, AT, "user:ada"))
        previous = version
    return made


def test_a_rollback_undoes_a_promotion_and_the_next_one_goes_further_back() -> None:
    history = moves(("promoted", 1), ("promoted", 2), ("promoted", 3), ("rolled back", 2))
    assert earlier_versions(history) == [1]


def test_rejected_versions_are_passed_over() -> None:
    history = moves(("promoted", 1), ("promoted", 2), ("promoted", 3))
    assert rollback_target(history, rejected={2}) == 1
    assert rollback_target(history, rejected={1, 2}) is None


def test_a_removed_alias_has_nothing_to_go_back_to() -> None:
    assert earlier_versions(moves(("promoted", 1), ("removed", None), ("promoted", 2))) == []


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_rolling_back_all_the_way_visits_each_version_once(promoted: list[int]) -> None:
    history = moves(*(("promoted", version) for version in promoted))
    current, seen = promoted[-1], [promoted[-1]]
    while (target := rollback_target(history, rejected=())) is not None:
        history.append(AliasChange("x", "m", "champion", target, current, "rolled back", AT, "user:ada"))
        current = target
        seen.append(target)
    assert sorted(seen) == sorted(set(promoted))
