"""Let functions label, and look for labels that are probably wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.acts import Surface, errand
from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound
from fettle.labels.records import Consensus, Functions, Guess, Method, Project, Suspect, Suspects
from fettle.storage.objects import put_object

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@errand("labels.functions")
def functions(
    ws: Surface,
    project: str,
    file: Path | None = None,
    *,
    rules: list[str] | None = None,
    method: Method = "dawid-skene",
) -> Functions:
    """Let functions label the rows, and report how often each speaks, agrees and errs.

    What they say together is kept with the project; `labels publish --weak` uses it where no person answered.

    Args:
        project: The project, of one class an item.
        file: A Python file with functions marked @labelling_function, or a list RULES.
        rules: Rules such as `amount > 100 -> "big"`.
        method: How one label is made of several: majority, or dawid-skene, which weighs functions by how they agree.
    """
    import numpy as np

    from fettle.labels import functions as labelling

    known: Project = ws.call("labels.show", project=project)
    _need_single(known)
    given = {**(labelling.load_functions(file) if file else {}), **{each: each for each in rules or ()}}
    if not given:
        raise Invalid("There is no function to ask.", hint="Name a Python file, or give --rules")
    frame, keys, numbers = _rows(ws, known)
    votes = labelling.apply_functions(frame, given, known.names)
    labels, confidence, weights = labelling.combine(votes, len(known.names), method=method)
    truth = _truth(ws, known, keys)
    reports = labelling.weighed(labelling.report(votes, list(given), known.names, truth), weights)
    spoke = (votes != labelling.ABSTAIN).any(axis=1)
    guesses = {
        key: Guess(key, known.names[label], float(sure))
        for key, label, sure in zip(keys, labels, confidence, strict=True)
        if label != labelling.ABSTAIN and key in numbers
    }
    made = Functions(
        project=project,
        method=method,
        items=len(keys),
        covered=float((labels != labelling.ABSTAIN).mean()),
        ties=int(np.sum(spoke & (labels == labelling.ABSTAIN))),
        functions=reports,
        guesses=list(guesses.values()),
    )
    digest = put_object(ws.blobs, canonical.encode(made))
    ws.call("labels.keep_report", project=project, kind="functions", digest=digest)
    return FunctionsSaid(**{name: getattr(made, name) for name in made.__struct_fields__})


class FunctionsSaid(Functions, frozen=True):
    """The report as a person reads it."""

    def lines(self) -> list[str]:
        """The table, as Snorkel's users know it."""
        wide = max([8, *(len(each.name) for each in self.functions)])
        head = f"{'function':<{wide}}  coverage  overlaps  conflicts  correct  wrong  accuracy  weight"
        rows = [
            f"{each.name:<{wide}}  {each.coverage:8.1%}  {each.overlaps:8.1%}  {each.conflicts:9.1%}"
            f"  {each.correct:7,}  {each.incorrect:5,}  {_share(each.accuracy):>8}  {_share(each.weight):>6}"
            for each in self.functions
        ]
        end = f"{self.covered:.1%} of {self.items:,} rows get a label ({self.method}); {self.ties:,} ties."
        return [head, "─" * len(head), *rows, "", end]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


@errand("labels.errors")
def errors(
    ws: Surface,
    project: str,
    *,
    method: Method = "majority",
    file: Path | None = None,
    columns: list[str] | None = None,
    ignore: list[str] | None = None,
) -> Suspects:
    """Look for labels that are probably wrong, by confident learning.

    For each fold a simple model is trained on the other rows' labels; its probabilities show which labels it
    confidently contradicts. Those of a better model may be given instead, if it did not see the labels it judges.

    Args:
        project: The project, of one class an item.
        method: How the answers to an item become its label.
        file: A CSV or Parquet file with the project's key columns and a probability column for each class.
        columns: The columns of probabilities, in the order of the classes, of the file or the version itself.
        ignore: Columns that the simple model must not use.
    """
    import numpy as np

    from fettle.labels.folds import out_of_fold
    from fettle.labels.suspect import find_errors

    known: Project = ws.call("labels.show", project=project)
    _need_single(known)
    frame, keys, numbers = _rows(ws, known)
    truth = _truth(ws, known, keys, method)
    chosen = np.flatnonzero(truth >= 0)
    if chosen.size == 0:
        raise NotFound(f"Nothing in {project} has been labelled yet.", hint=f"fettle labels next {project}")
    labels = truth[chosen]
    if file is not None or columns:
        found = _given(frame, keys, known, file, columns)[chosen]
        origin = str(file) if file is not None else ", ".join(columns or ())
    else:
        left = [name for name in frame.columns if name not in {*known.key, *(ignore or ())}]
        found = out_of_fold(frame[chosen.tolist()].select(left), labels)
        origin = f"logistic regression on {len(left)} columns, out of fold"
        found = np.pad(found, ((0, 0), (0, len(known.names) - found.shape[1])))
    seen = find_errors(labels, found)
    suspects = [
        Suspect(
            numbers[keys[chosen[place]]],
            keys[chosen[place]],
            known.names[labels[place]],
            known.names[better],
            float(seen.quality[place]),
            float(found[place, better]),
        )
        for place, better in zip(seen.issues.tolist(), seen.suggested.tolist(), strict=True)
    ]
    made = Suspects(
        project,
        known.names,
        int(labels.size),
        suspects,
        seen.joint.tolist(),
        seen.thresholds.tolist(),
        origin,
    )
    digest = put_object(ws.blobs, canonical.encode(made))
    ws.call("labels.keep_report", project=project, kind="errors", digest=digest)
    return made


def _need_single(project: Project) -> None:
    if project.kind != "single":
        raise Invalid(
            "This is for projects with one class an item.", found=f"{project.name} asks for {project.kind}"
        )


def _rows(ws: Surface, project: Project) -> tuple[pl.DataFrame, list[str], dict[str, int]]:
    """The rows that are items, their keys, and the items' numbers; equal rows count once."""
    import polars as pl

    from fettle.data.versions import load
    from fettle.labels.rows import keys_of

    frame = load(ws, project.ref)
    numbers: dict[str, int] = ws.call("labels.keys", project=project.name)
    named = frame.with_columns(pl.Series("_key", keys_of(frame, project.key), dtype=pl.String))
    kept = named.filter(pl.col("_key").is_in(list(numbers))).unique("_key", keep="first", maintain_order=True)
    return kept.drop("_key"), kept["_key"].to_list(), numbers


def _truth(ws: Surface, project: Project, keys: Sequence[str], method: Method = "majority") -> np.ndarray:
    """What annotators say of the rows, as places of classes; -1 where nothing, or a tie."""
    import numpy as np

    found: Consensus = ws.call("labels.consensus", project=project.name, method=method)
    places = {name: place for place, name in enumerate(project.names)}
    said = {each.key: places[each.answer.labels[0]] for each in found.items if each.answer}
    return np.array([said.get(key, -1) for key in keys], dtype=np.int64)


def _given(
    frame: pl.DataFrame,
    keys: Sequence[str],
    project: Project,
    file: Path | None,
    columns: Sequence[str] | None,
) -> np.ndarray:
    import numpy as np
    import polars as pl

    from fettle.labels.rows import keys_of

    source = frame
    if file is not None:
        if not file.is_file():
            raise NotFound(f"There is no file {file}.")
        source = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file)
    wanted = list(columns or project.names)
    for name in wanted:
        if name not in source.columns:
            raise NotFound.among("column of probabilities", name, source.columns)
    if len(wanted) != len(project.names):
        raise Invalid(
            "There must be a column of probabilities for each class.",
            found=f"{len(wanted)} columns, {len(project.names)} classes: {', '.join(project.names)}",
        )
    values = source.select(pl.col(wanted).cast(pl.Float64)).to_numpy()
    if file is None:
        return values
    by = dict(zip(keys_of(source, project.key), values, strict=True))
    missing = [key for key in keys if key not in by]
    if missing:
        raise Invalid("Some rows have no probabilities.", found=f"{len(missing)} rows, such as {missing[0]}")
    return np.array([by[key] for key in keys])
