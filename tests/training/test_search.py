"""The search: defaults first, pruned, reproducible, resumable, and not to be stopped by one bad trial."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fettle.core.errors import Invalid
from fettle.training import algorithms
from fettle.training.features import plan
from fettle.training.records import FeaturePlan, SearchResult, Trial
from fettle.training.search import SearchFailed, search
from tests.training.tables import mixed, others

ROWS = 3000
TRAIN, VALID = mixed(ROWS).head(2400), mixed(ROWS).tail(600)
FAST = ("logistic", "extra_trees")


@pytest.fixture(scope="module")
def made() -> FeaturePlan:
    return plan(TRAIN, "bought", exclude=others("bought"))


def look(result: SearchResult | list[Trial]) -> list[tuple[object, ...]]:
    trials = result.trials if isinstance(result, SearchResult) else result
    return [(each.algorithm, each.params, each.state, each.steps, each.value) for each in trials]


def test_the_defaults_of_every_algorithm_come_first_and_the_best_is_found(made: FeaturePlan) -> None:
    found = search(TRAIN, VALID, made, trials=6, seed=1)
    known = algorithms.for_task("binary")
    assert [each.algorithm for each in found.trials[:4]] == list(known)
    assert all(each.params == dict(known[each.algorithm].defaults) for each in found.trials[:4])
    complete = [each.value for each in found.trials if each.value is not None]
    assert found.best.value == max(complete) > 0.7
    assert (found.score, found.stopped) == ("accuracy", "trials")


def test_the_same_seed_gives_the_same_trials_and_another_seed_others(made: FeaturePlan) -> None:
    one, two, three = (search(TRAIN, VALID, made, algorithms=FAST, trials=5, seed=seed) for seed in (1, 1, 2))
    assert look(one) == look(two)
    assert look(one)[2:] != look(three)[2:]


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(made: FeaturePlan) -> None:
    whole = search(TRAIN, VALID, made, algorithms=FAST, trials=7, seed=4, recent=(1.0, 0.3))
    kept: list[Trial] = []

    class Killed(Exception): ...

    def told(trial: Trial) -> None:
        kept.append(trial)
        if len(kept) == 4:
            raise Killed

    with pytest.raises(Killed):
        search(TRAIN, VALID, made, algorithms=FAST, trials=7, seed=4, recent=(1.0, 0.3), on_trial=told)
    fresh: list[Trial] = []
    resumed = search(
        TRAIN,
        VALID,
        made,
        algorithms=FAST,
        trials=7,
        seed=4,
        recent=(1.0, 0.3),
        on_trial=fresh.append,
        done=kept,
    )
    assert [each.number for each in fresh] == [4, 5, 6]
    assert look(resumed) == look(whole)


def test_windows_are_tried_with_the_best_default(made: FeaturePlan) -> None:
    found = search(TRAIN, VALID, made, algorithms=FAST, trials=4, seed=1, recent=(1.0, 0.5, 0.1))
    best = max(found.trials[:2], key=lambda each: each.value or 0)
    assert [each.params["recent"] for each in found.trials] == [1.0, 1.0, 0.5, 0.1]
    assert {each.algorithm for each in found.trials[2:]} == {best.algorithm}
    assert found.trials[3].rows == 240


def test_bad_trials_are_given_up_early(made: FeaturePlan) -> None:
    found = search(TRAIN, VALID, made, trials=14, seed=3)
    pruned = [each for each in found.trials if each.state == "pruned"]
    assert pruned
    assert all(each.value is None and each.rows < len(TRAIN) and each.error for each in pruned)


def broken(params: Any, rows: int, seed: int) -> Any:
    raise RuntimeError("this estimator cannot be built")


def test_a_failing_algorithm_never_stops_the_search(
    made: FeaturePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = algorithms.for_task("binary")
    patched = known | {"logistic": replace(known["logistic"], build=broken)}
    monkeypatch.setattr(algorithms, "for_task", lambda task: patched)
    found = search(TRAIN, VALID, made, algorithms=FAST, trials=3, seed=1)
    assert found.trials[0].state == "failed"
    assert "cannot be built" in found.trials[0].error
    assert found.best.algorithm == "extra_trees"
    with pytest.raises(SearchFailed, match="None of 2 trials") as caught:
        search(TRAIN, VALID, made, algorithms=("logistic",), trials=2, seed=1)
    assert "cannot be built" in caught.value.found


def test_a_budget_ends_the_search_after_one_complete_trial(made: FeaturePlan) -> None:
    found = search(TRAIN, VALID, made, trials=50, seed=1, budget_s=0.0, trial_limit_s=60.0)
    assert found.stopped == "budget"
    assert len(found.trials) == 1


def test_a_slow_trial_is_given_up(made: FeaturePlan) -> None:
    with pytest.raises(SearchFailed) as caught:
        search(TRAIN, VALID, made, algorithms=FAST, trials=2, seed=1, trial_limit_s=1e-6)
    assert "too slow" in caught.value.found


@pytest.mark.parametrize("target", ["grade", "score"])
def test_without_validation_rows_the_training_rows_are_folded(target: str) -> None:
    frame = mixed(600)
    made = plan(frame, target, exclude=others(target))
    found = search(frame, None, made, trials=2, seed=1)
    assert len(found.trials[0].steps) == 4
    assert found.trials[0].value == found.trials[0].steps[-1]


def test_rows_in_time_order_are_folded_into_successive_blocks() -> None:
    frame = mixed(600).sort("seen at")
    made = plan(frame, "bought", time="seen at", exclude=others("bought"))
    found = search(frame, None, made, algorithms=("logistic",), trials=1, seed=1)
    assert found.trials[0].rows == pytest.approx(600 * (0.75 + 0.25 * 3 / 4), abs=2)


def test_rare_classes_are_searched_by_average_precision() -> None:
    frame = mixed(ROWS)
    rare = frame.filter((frame["bought"] == "no") | (frame["row id"] % 9 == 0))
    made = plan(rare, "bought", exclude=others("bought"))
    cut = int(rare.height * 0.8)
    found = search(rare.head(cut), rare.slice(cut), made, trials=3, seed=1)
    assert found.score == "average_precision"
    assert (found.best.value or 0) > 0.3


def test_no_known_target_is_refused(made: FeaturePlan) -> None:
    unknown = VALID.with_columns(bought=None)
    with pytest.raises(Invalid, match="too few rows"):
        search(TRAIN, unknown, made, trials=1)
