"""The work inside the recipe's steps: search, judge and pack one model."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl

from fettle.acts import Surface
from fettle.core import canonical, ids
from fettle.core.errors import Invalid
from fettle.data import bins, clean
from fettle.data.clean.fitted import FittedCleaning, decoded
from fettle.evaluation import metrics, slices
from fettle.evaluation.metrics import main_metric
from fettle.evaluation.outcomes import outcome, outcome_of_answers, trivial
from fettle.evaluation.records import Slice
from fettle.packaging import assembly, bundle
from fettle.packaging.cleaning import with_cleaning
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import PARITY_FILE, Answer, ParityReport
from fettle.packaging.rows import json_rows
from fettle.projects.records import Cut
from fettle.projects.rows import rows
from fettle.projects.teller import Bar
from fettle.storage.objects import get_object, put_object
from fettle.tracking import run as tracked
from fettle.training import features, fitting
from fettle.training.records import FeaturePlan, Label, Task, Trial
from fettle.training.scores import score_named
from fettle.training.search import search

MOST_SLICED_COLUMNS = 3
REFERENCE_ROWS = 100_000


class Wish(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is asked of a search: the project's settings that change its outcome."""

    experiment: str
    task: str
    ignore: tuple[str, ...]
    algorithms: tuple[str, ...]
    trials: int
    budget_s: float
    seed: int
    metric: str
    slices: tuple[str, ...]
    recent: tuple[float, ...]
    clean: tuple[dict[str, Any], ...] = ()


class Explored(msgspec.Struct, frozen=True):
    """What the search found: the plan of the features, the best trial, and the runs that tell of all trials.

    `cleaning` is the digest of the cleaning that was fitted on the training rows, empty for none.
    """

    plan: FeaturePlan
    best: Trial
    score: str
    maximize: bool
    trials: int
    pruned: int
    run_id: str
    cleaning: str = ""


class Assessment(msgspec.Struct, frozen=True):
    """How the chosen settings did on rows nobody had seen.

    Attributes:
        task: What kind of problem it is.
        labels: The classes; empty for a regression.
        metric: The metric that gates and monitoring watch.
        value: Its value.
        low: Lower end of its 95 % interval.
        high: Upper end.
        maximize: Whether more of it is better.
        baseline: The same metric of the answer that needs no model: the most frequent class, or the mean.
        metrics: All metrics.
        slices: The metric by slice.
        answers: Digest of the answers on the judged rows, in their order, for later comparison.
    """

    task: Task
    labels: tuple[Label, ...]
    metric: str
    value: float
    low: float
    high: float
    maximize: bool
    baseline: float
    metrics: dict[str, float]
    slices: list[Slice]
    answers: str


class Packed(msgspec.Struct, frozen=True):
    """The bundle, and the proofs it came with. `again` is the metric of the packed model on the judged rows."""

    bundle: str
    algorithm: str
    run_id: str
    parity: ParityReport
    again: float
    size_bytes: int


def explore(ws: Surface, divided: Cut, wish: Wish, bar: Bar | None = None) -> Explored:
    """Search; every trial becomes a run as soon as it ends, so that a killed search goes on from those that ended."""
    train, valid = rows(ws, divided, "train"), rows(ws, divided, "valid")
    cleaning = _fitted_cleaning(train, divided, wish)
    train, valid = _table(cleaning, train), _alone(cleaning, valid)
    plan = features.plan(
        train,
        divided.target,
        time=divided.time or None,
        task=wish.task,  # type: ignore[arg-type]  # checked when the project was read
        exclude=tuple(each for each in wish.ignore if cleaning is None or each in train.columns),
    )
    name = ids.digest_of([divided, wish])[:20]
    parent = ws.call(
        "tracking.start",
        experiment=wish.experiment,
        name=f"search {name[:6]}",
        run_id=f"search-{name}",
        inputs=[divided.ref],
    )
    done = _ended_trials(ws, wish.experiment, parent.id)

    def told(trial: Trial) -> None:
        _track(ws, wish.experiment, parent.id, trial, divided.ref)
        if bar is not None:
            bar.advance(1, note=trial.algorithm)

    if bar is not None:
        bar.advance(len(done))
    found = search(
        train,
        valid,
        plan,
        algorithms=wish.algorithms,
        trials=wish.trials,
        seed=wish.seed,
        budget_s=wish.budget_s,
        score=wish.metric or None,
        recent=wish.recent,
        on_trial=told,
        done=done,
    )
    ws.call(
        "tracking.set",
        run=parent.id,
        tags={"algorithm": found.best.algorithm, "score": found.score, "trials": str(len(found.trials))},
    )
    ws.call("tracking.finish", run=parent.id, status="finished")
    pruned = sum(each.state == "pruned" for each in found.trials)
    kept = put_object(ws.blobs, cleaning.encoded()) if cleaning is not None else ""
    return Explored(plan, found.best, found.score, found.maximize, len(found.trials), pruned, parent.id, kept)


def assess(ws: Surface, divided: Cut, explored: Explored, wish: Wish) -> Assessment:
    """Judge the best trial's settings on the rows nobody has seen: metrics, intervals, slices, the trivial answer."""
    cleaning = _kept_cleaning(ws, explored)
    learned = _table(cleaning, rows(ws, divided, "fit"))
    judged = _alone(cleaning, rows(ws, divided, "test"))
    fitted = fitting.fit(learned, explored.plan, explored.best, seed=wish.seed)
    predicted = fitted.predict(judged)
    seen = outcome(explored.plan, judged, predicted)
    metric = main_metric(explored.plan.task)
    main = metrics.measured(seen, metric)
    found = metrics.evaluate(seen)
    with tracked(ws, wish.experiment, run_id=explored.run_id) as run:
        run.log({f"test/{name}": value for name, value in found.items()})
    answers = [
        _answer(explored.plan.labels, value, shares)
        for value, shares in zip(predicted.values.tolist(), predicted.probabilities.tolist(), strict=True)
    ]
    return Assessment(
        task=explored.plan.task,
        labels=explored.plan.labels,
        metric=metric,
        value=main.value,
        low=main.low,
        high=main.high,
        maximize=score_named(explored.plan.task, metric).maximize,
        baseline=metrics.evaluate(trivial(explored.plan, learned, judged))[metric],
        metrics=found,
        slices=slices.by_columns(seen, judged, _sliced(explored.plan, judged, wish.slices)),
        answers=put_object(ws.blobs, canonical.encode(answers)),
    )


def pack(ws: Surface, divided: Cut, explored: Explored, assessment: Assessment, wish: Wish) -> Packed:
    """Fit on all rows with the settings that were judged, convert, prove parity, store the bundle.

    Raises:
        ParityFailed: The packed model does not answer as the original does.
    """
    cleaning = _kept_cleaning(ws, explored)
    whole, judged = rows(ws, divided, "all"), rows(ws, divided, "test")
    fitted = fitting.fit(_table(cleaning, whole), explored.plan, explored.best, seed=wish.seed)
    sample = whole.tail(REFERENCE_ROWS)
    made = assembly.build(
        fitted,
        _alone(cleaning, judged),
        metrics={"metric": assessment.metric, "value": assessment.value, "all": assessment.metrics},
        lineage={"dataset": divided.ref, "run": explored.run_id, "rows": divided.rows},
        reference=bins.reference(
            sample,
            _watched(explored.plan, sample, cleaning),
            prediction=fitted.predict(_alone(cleaning, sample)).labels(explored.plan),
        ),
    )
    if cleaning is not None:
        made = with_cleaning(made, cleaning, judged)
    predictor = Predictor(made)
    labels = explored.plan.labels
    truth = json_rows(judged, [divided.target])
    answers = predictor.predict(json_rows(judged, predictor.columns))
    again = outcome_of_answers(explored.plan.task, labels, [row[divided.target] for row in truth], answers)
    return Packed(
        bundle=bundle.store(ws.blobs, made),
        algorithm=explored.best.algorithm,
        run_id=explored.run_id,
        parity=canonical.decode(made.read(PARITY_FILE), ParityReport),
        again=metrics.evaluate(again)[assessment.metric],
        size_bytes=sum(each.size_bytes for each in made.manifest.files),
    )


def _fitted_cleaning(train: pl.DataFrame, divided: Cut, wish: Wish) -> FittedCleaning | None:
    """Fit the project's operations on the training rows; None if it declares none.

    Raises:
        Invalid: An operation changes the target or the time: labels come as they are, and rows are ordered before.
    """
    if not wish.clean:
        return None
    found = clean.fit(list(wish.clean), train, target=divided.target)
    for name in (divided.target, divided.time):
        if name and name in found.changed:
            role = "time" if name == divided.time else "target"
            raise Invalid(
                f"The operations of [[clean]] change {name!r}, which is the {role}.",
                hint="Clean it in the data, before a model is made of them: fettle data clean … --fit-on-all",
                subject=f"column:{name}",
            )
    return found


def _kept_cleaning(ws: Surface, explored: Explored) -> FittedCleaning | None:
    return decoded(get_object(ws.blobs, explored.cleaning)) if explored.cleaning else None


def _table(cleaning: FittedCleaning | None, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows to learn from, cleaned as a table: repeated ones and dropped outliers go."""
    return frame if cleaning is None else cleaning.apply(frame).frame


def _alone(cleaning: FittedCleaning | None, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows to answer, cleaned each alone, as an endpoint does."""
    return frame if cleaning is None else cleaning.apply(frame, rows="keep").frame


def _ended_trials(ws: Surface, experiment: str, parent: str) -> list[Trial]:
    """Trials of this very search that ended before it was killed, in the order of their numbers."""
    known = ws.call("tracking.runs", experiment=experiment, parent=parent, limit=10_000)
    trials = [canonical.decode(run.tags["trial"], Trial) for run in known if run.status == "finished"]
    return sorted(trials, key=lambda trial: trial.number)


def _track(ws: Surface, experiment: str, parent: str, trial: Trial, ref: str) -> None:
    with tracked(
        ws,
        experiment,
        name=f"trial {trial.number}: {trial.algorithm}",
        params={"algorithm": trial.algorithm, **trial.params},
        tags={"trial": canonical.encode(trial).decode(), "state": trial.state},
        parent=parent,
        inputs=[ref],
        run_id=f"{parent}-{trial.number:04d}",
    ) as run:
        for place, value in enumerate(trial.steps):
            run.log({"valid": value}, step=place)
        run.log({"seconds": trial.seconds})
        if trial.value is not None:
            run.log({"score": trial.value})


def _watched(plan: FeaturePlan, frame: pl.DataFrame, cleaning: FittedCleaning | None = None) -> list[str]:
    """The columns of requests whose drift means something: features, and constants that may come alive; no clocks."""
    still = [
        each.name for each in plan.dropped if each.name in frame.columns and frame[each.name].n_unique() <= 1
    ]
    asked = (
        plan.columns if cleaning is None else [each.name for each in cleaning.only_for(plan.columns).columns]
    )
    return [*asked, *(name for name in still if name != plan.time and name not in asked)]


def _answer(labels: tuple[Label, ...], value: float, shares: list[float]) -> Answer:
    if not labels:
        return {"prediction": value}
    named = {fitting.label_text(label): share for label, share in zip(labels, shares, strict=True)}
    return {"prediction": labels[int(value)], "probabilities": named}


def _sliced(plan: FeaturePlan, frame: pl.DataFrame, wished: tuple[str, ...]) -> list[str]:
    """The columns to slice by: those wished for, else the first categories and booleans, else the first numbers."""
    if wished:
        return [name for name in wished if name in frame.columns]
    words = [each.name for each in plan.features if each.role in ("category", "boolean")]
    numbers = [each.name for each in plan.features if each.role == "number"]
    return (words + numbers)[:MOST_SLICED_COLUMNS]
