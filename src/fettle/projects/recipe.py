"""The recipe that both notations make: from a table to a registered version, as steps of one pipeline.

    take → examine → divide → explore → assess → pack → contend → enlist

Each step is a plain function; its result is reused when nothing it depends on has changed, and a killed run goes on at
the step it died in. The search learns on `train` and chooses on `valid`; `test` is seen by nobody before the gates.
What is packed is fitted once more on all rows with the settings that passed, so that the newest rows are not lost to
the model that serves.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from fettle.acts import Surface
from fettle.core import ids
from fettle.core.errors import GateFailed, NotFound
from fettle.data import ingest, schemas, validate, versions
from fettle.data.records import Commit, Report, Schema, Source
from fettle.data.records.cleaning import Operation
from fettle.evaluation import accept
from fettle.evaluation.records import Gate, GateResult
from fettle.features.compute import needed, operations
from fettle.pipelines import GIVEN, Flow, step
from fettle.privacy import masking
from fettle.projects import judge, model
from fettle.projects.judge import Rival
from fettle.projects.labelled import told_with_label
from fettle.projects.model import Assessment, Explored, Packed, Wish
from fettle.projects.records import Contest, Cut, Project, Solution
from fettle.projects.rows import cut
from fettle.projects.teller import Teller
from fettle.registry.records import ModelVersion

VERSION = "data://"
"""What the name of a version begins with, where it is a project's source."""


class Origin(msgspec.Struct, frozen=True):
    """A source to take rows from; the digest makes another content another origin."""

    name: str
    digest: str


class Examined(msgspec.Struct, frozen=True):
    """What the rows look like against their schema."""

    rows: int
    duplicates: int
    anomalies: list[str]


@step
def take(origin: Origin, dataset: str, time: str, ws: Surface = GIVEN) -> str:
    """Read the source and commit its rows; return the commit as `dataset@commit`.

    A version (`data://riders-ready@main`) is committed to the project's dataset with the word where it is from, so that
    what is learned from it later does not change it. The project's own dataset is learned from as it is.
    """
    if origin.name.startswith(VERSION):
        return _version(ws, origin.name.removeprefix(VERSION), dataset, time)
    found = ingest.read(origin.name)
    masked = masking.apply(ws, dataset, found.frame)
    message = f"Taken from {found.source.name}"
    made = versions.commit_frame(
        ws,
        dataset,
        masked.frame,
        source=found.source,
        message=message,
        time_column=time or None,
        masked=True,
    )
    return made.ref


def _version(ws: Surface, ref: str, dataset: str, time: str) -> str:
    commit: Commit = ws.call("data.show", ref=ref)
    if commit.dataset == dataset:
        return commit.ref
    masked = masking.apply(ws, dataset, versions.load(ws, commit))
    made = versions.commit_frame(
        ws,
        dataset,
        masked.frame,
        source=Source(commit.ref, "version", commit.id),
        message=f"Taken from {commit.ref}",
        time_column=time or commit.time_column,
        metadata={"made_from": commit.ref},
        masked=True,
    )
    return made.ref


@step
def examine(ref: str, target: str, time: str, bound: str, ws: Surface = GIVEN) -> Examined:
    """Profile a commit and hold it against the schema of the rows that the first version learned from.

    `bound` is that commit; empty while there is no version, or if it is this commit: the rows give the schema then.

    Raises:
        GateFailed: An anomaly would spoil a model.
    """
    commit = ws.call("data.show", ref=ref)
    profile = versions.profile_of(ws, commit)
    frame = versions.load(ws, commit)
    known = _schema_of(ws, bound)
    schema = known or schemas.infer(frame, target, time=time or None)
    report: Report = validate.validate(frame, schema)
    if known is None:
        versions.set_schema(ws, commit, schema)
    if not report.ok:
        first = report.of("error")[0]
        raise GateFailed(
            f"The data do not fit the schema of {ref.partition('@')[0]}: {first.message}",
            found="; ".join(each.message for each in report.of("error")[:5]),
            hint=first.suggestion,
            subject=f"dataset:{ref}",
        )
    return Examined(commit.rows, profile.duplicate_rows, [each.message for each in report.anomalies])


@step
def divide(
    ref: str, target: str, time: str, recent_s: float | None, seed: int, known: str, ws: Surface = GIVEN
) -> Cut:
    """Decide which rows are learned from, chosen on and judged on; `known` is what the champion has learned from."""
    return cut(ws, ref, target=target, time=time, recent_s=recent_s, seed=seed, known=known)


@step
def explore(divided: Cut, wish: Wish, ws: Surface = GIVEN) -> Explored:
    """Search algorithm and settings; every trial is a run."""
    return model.explore(ws, divided, wish)


@step
def assess(divided: Cut, explored: Explored, wish: Wish, ws: Surface = GIVEN) -> Assessment:
    """Fit the best trial's settings and judge them on the rows nobody has seen."""
    return model.assess(ws, divided, explored, wish)


@step
def pack(divided: Cut, explored: Explored, assessment: Assessment, wish: Wish, ws: Surface = GIVEN) -> Packed:
    """Fit on all rows, convert to ONNX, prove parity, and store the bundle."""
    return model.pack(ws, divided, explored, assessment, wish)


@step
def contend(
    divided: Cut, assessment: Assessment, rival: Rival, tolerance: float, ws: Surface = GIVEN
) -> Contest:
    """Hold the judged model against the champion on rows that neither has learned from."""
    return judge.contest(ws, divided, assessment, rival, tolerance)


@step
def enlist(
    name: str,
    divided: Cut,
    packed: Packed,
    assessment: Assessment,
    gates: list[GateResult],
    parent: int | None,
    ws: Surface = GIVEN,
    flow_id: str = GIVEN,
) -> int:
    """Register the bundle with its gates and lineage; return the version's number."""
    dataset, _, commit = divided.ref.partition("@")
    made: ModelVersion = ws.call(
        "registry.register",
        model=name,
        bundle=packed.bundle,
        metrics=assessment.metrics,
        gates=gates,
        run_id=packed.run_id,
        dataset=dataset,
        dataset_commit=commit,
        flow_id=flow_id,
        parent_version=parent,
        tags={
            "algorithm": packed.algorithm,
            "known": divided.known,
            "cut": ids.digest_of(divided),
            "answers": assessment.answers,
        },
    )
    return made.version


def solve(
    ws: Surface,
    flow: Flow,
    project: Project,
    ref: str,
    *,
    teller: Teller,
    recent_s: float | None = None,
    trials: int | None = None,
) -> Solution:
    """Take a commit to a registered version within a pipeline run.

    Args:
        ws: The workspace.
        flow: The pipeline run that the steps belong to.
        project: What to solve, and how.
        ref: The rows, as `dataset@commit`.
        teller: Told what each step found.
        recent_s: Only rows of the last so many seconds; None means all.
        trials: Trials of the search; None means as the project says.

    Raises:
        Invalid: The rows cannot be learned from.
        GateFailed: The rows are spoilt, or the packed model does not answer as the original does.
    """
    _look(flow, project, ref, _bound(ws, project, ref), teller)
    rival = judge.rival_of(ws, project.model)
    divided = flow.run(
        divide, ref, project.target, project.time, recent_s, project.seed, _known_to(rival, ref)
    )
    features = operations(needed(ws, project.features)) if project.features else []
    wish = _without_answers(ws, project, ref, wish_of(project, trials, features), teller)
    explored, assessment, packed = _learn(flow, divided, wish, teller)
    version, held, gates = _enter(flow, project, divided, assessment, packed, rival)
    return Solution(
        model=project.model,
        run_id=flow.id,
        commit=ref,
        cut=divided,
        bundle=packed.bundle,
        version=version,
        algorithm=explored.best.algorithm,
        metric=assessment.metric,
        value=assessment.value,
        low=assessment.low,
        high=assessment.high,
        maximize=assessment.maximize,
        metrics=assessment.metrics,
        answers=assessment.answers,
        contest=held,
        refused=[
            each.detail if each.name == "champion" else f"{each.name}: {each.detail}"
            for each in gates
            if not each.passed
        ],
    )


def _look(flow: Flow, project: Project, ref: str, bound: str, teller: Teller) -> None:
    """Profile and check the rows."""
    examined = flow.run(examine, ref, project.target, project.time, bound)
    dataset, _, commit = ref.partition("@")
    told = f"; {len(examined.anomalies)} remarks" if examined.anomalies else ""
    teller.say(
        f"Data: {examined.rows:,} rows of {dataset} committed as {commit[:12]}, profiled and checked{told}."
    )
    for each in examined.anomalies[:3]:
        teller.say(f"  {each}")


def _without_answers(ws: Surface, project: Project, ref: str, wish: Wish, teller: Teller) -> Wish:
    """Leave out the columns that came with the label, and say so."""
    more = [each for each in told_with_label(ws, ref, project.target) if each not in wish.ignore]
    if not more:
        return wish
    teller.say(f"  not learned from, for they came with the label: {', '.join(more)}")
    return msgspec.structs.replace(wish, ignore=(*wish.ignore, *more))


def _learn(flow: Flow, divided: Cut, wish: Wish, teller: Teller) -> tuple[Explored, Assessment, Packed]:
    """Search, judge and pack one model."""
    teller.say(f"Search: {wish.trials} trials on {divided.train:,} rows, chosen on {divided.valid:,}.")
    explored = flow.run(explore, divided, wish)
    teller.say(
        f"  best of {explored.trials} ({explored.pruned} given up early): {explored.best.algorithm}, "
        f"{explored.score} {explored.best.value:.4f}"
    )
    assessment = flow.run(assess, divided, explored, wish)
    teller.say(
        f"Judged on {divided.test:,} rows nobody had seen: {assessment.metric} {assessment.value:.4f} "
        f"(95 %: {assessment.low:.4f} to {assessment.high:.4f}), without a model {assessment.baseline:.4f}."
    )
    packed = flow.run(pack, divided, explored, assessment, wish)
    teller.say(
        f"Packed as ONNX {packed.bundle[:12]}, {packed.size_bytes / 1024:.0f} KiB; the same answers as the original "
        f"on {packed.parity.rows:,} rows (largest difference {packed.parity.worst:.1e})."
    )
    return explored, assessment, packed


def _enter(
    flow: Flow, project: Project, divided: Cut, assessment: Assessment, packed: Packed, rival: Rival | None
) -> tuple[int, Contest | None, list[GateResult]]:
    """Hold the model against its gates and the champion, and register it; the champion itself comes out as it is."""
    gates = judged(assessment, packed, project)
    if rival is not None and rival.bundle == packed.bundle:
        return rival.version, None, gates
    held = None
    if rival is not None:
        held = flow.run(contend, divided, assessment, rival, project.tolerance)
        gates.append(judge.gate_of(held))
    parent = rival.version if rival is not None else None
    return flow.run(enlist, project.model, divided, packed, assessment, gates, parent), held, gates


def _known_to(rival: Rival | None, ref: str) -> str:
    """What the champion has learned from, so that other rows are judged on.

    A champion that came of these very rows was judged by what the one before it knew: the same again, so that
    running the pipeline once more finds every step done.
    """
    if rival is None:
        return ""
    return rival.known if rival.commit == ref else rival.commit


def judged(assessment: Assessment, packed: Packed, project: Project) -> list[GateResult]:
    """Hold a model against its own gates: better than no model, sound when packed, parity row by row.

    `packed` compares the packed model, which has seen the judged rows, with the one that had not: it guards against a
    broken fit or conversion and says nothing of rows to come.
    """
    sign = ">=" if assessment.maximize else "<="
    scale = max(abs(assessment.value), 1e-3 * abs(assessment.baseline))
    slack = -project.tolerance if assessment.maximize else project.tolerance * scale
    gates = [
        *(each for each in accept.usual_gates(assessment.task) if each.required),
        Gate(
            "packed",
            "packed.again",
            sign,
            slack,
            against="judged.value",
            reason="fitted on all rows, it is as good",
        ),
        Gate(
            "parity",
            "packed.parity.worst",
            "<=",
            packed.parity.tolerance,
            reason="the packed model answers alike",
        ),
    ]
    evidence = {
        "metrics": assessment.metrics,
        "baseline": {assessment.metric: assessment.baseline},
        "judged": {"value": assessment.value},
        "packed": packed,
    }
    return accept.judge(gates, evidence)


def wish_of(project: Project, trials: int | None = None, features: Sequence[Operation] = ()) -> Wish:
    """The settings of a project that change what a search finds; its features are computed after it is cleaned."""
    return Wish(
        experiment=project.name,
        task=project.task,
        ignore=project.ignore,
        algorithms=project.algorithms,
        trials=trials or project.trials,
        budget_s=project.budget_s,
        seed=project.seed,
        metric=project.metric,
        slices=project.slices,
        recent=project.windows if project.time else (1.0,),
        clean=(*project.clean, *(msgspec.to_builtins(each) for each in features)),
    )


def _bound(ws: Surface, project: Project, ref: str) -> str:
    """The commit whose schema binds: the first version's, as long as the dataset is the same."""
    try:
        first = min(ws.call("registry.versions", model=project.model), key=lambda version: version.version)
    except NotFound:
        return ""
    learned = f"{first.dataset}@{first.dataset_commit}"
    return learned if first.dataset == project.dataset and learned != ref else ""


def _schema_of(ws: Surface, ref: str) -> Schema | None:
    try:
        return ws.call("data.schema_of", ref=ref) if ref else None
    except NotFound:
        return None
