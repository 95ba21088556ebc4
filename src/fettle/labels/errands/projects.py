"""Make labelling projects of versions, add the rows of newer ones, and order the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.acts import Surface, errand
from fettle.core import canonical, ids, progress
from fettle.core.errors import Denied, Invalid, NotFound
from fettle.core.units import duration_s
from fettle.labels.keys import classes_of
from fettle.labels.records import Item, Kind, Measure, Order, Project
from fettle.labels.terms import check_terms
from fettle.storage.objects import object_key, put_object

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from fettle.data.records.versions import Commit

Probabilities = Callable[["pl.DataFrame"], Any]
"""Given rows, the probabilities of the classes: shape (rows, classes), or (rows,) of the second of two."""

SEED = 0


@errand("labels.create")
def create(
    ws: Surface,
    project: str,
    data: str,
    *,
    kind: Kind = "single",
    classes: list[str] | None = None,
    show: list[str] | None = None,
    text: str = "",
    key: list[str] | None = None,
    annotators: int = 1,
    order: Order = "random",
    instructions: str = "",
    lease: str = "10min",
    sample: int = 0,
) -> Project:
    """Make a labelling project of the rows of a version.

    What is shown to annotators is copied into the workspace's database; columns that stand in plain although the
    dataset's privacy policy wants them masked are refused.

    Args:
        project: The new project's name.
        data: The version, such as churn or churn@3f9ac1.
        kind: What is asked for: single class, multi(ple) classes, free text, or spans of a text.
        classes: The classes; `h=ham` gives one a key of its own, the others get 1, 2, 3, …
        show: The columns that annotators see, in this order; not given means all.
        text: For spans, the column that holds the text; empty: the longest of the texts shown.
        key: The columns whose values name a row; not given: the version's own key, else a digest of the whole row.
        annotators: How many annotators each item needs.
        order: How the next item is chosen; uncertainty is in force once `labels rank` has been told probabilities.
        instructions: What annotators should know.
        lease: How long an item is kept for the annotator who has it open.
        sample: So many rows at random; 0: all.
    """
    from fettle.data.versions import load
    from fettle.labels.protection import check_shown

    commit = ws.call("data.show", ref=data)
    frame = load(ws, commit)
    show = show or frame.columns
    _check_classes(kind, [each.name for each in classes_of(classes or [])])
    for name in show:
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    chosen = text or (_longest_text(frame, show) if kind == "spans" else "")
    if chosen and chosen not in show:
        raise NotFound.among("shown column", chosen, show)
    names = list(key if key is not None else commit.table.key)
    check_shown(ws, commit.dataset, frame, [*show, *names])
    return open_items(
        ws,
        project,
        commit,
        [],
        frame=frame,
        kind=kind,
        classes=classes or [],
        show=list(show),
        text=chosen,
        key=names,
        annotators=annotators,
        order=order,
        instructions=instructions,
        lease=lease,
        sample=sample,
    )


def open_items(
    ws: Surface,
    project: str,
    commit: Commit,
    items: list[Item],
    *,
    frame: pl.DataFrame | None = None,
    kind: Kind,
    classes: Sequence[str],
    show: list[str],
    text: str,
    key: list[str],
    annotators: int = 1,
    order: Order = "given",
    instructions: str = "",
    lease: str = "10min",
    sample: int = 0,
) -> Project:
    """Make a project of items, or of the rows of a frame in their stead; arguments as those of `create`."""
    made = Project(
        name=project,
        dataset=commit.dataset,
        commit=commit.id,
        kind=kind,
        classes=classes_of(classes),
        instructions=instructions,
        show=show,
        text=text,
        key=key,
        annotators=annotators,
        order=order,
        lease_s=duration_s(lease),
        items=0,
        created_at=ws.clock.now(),
        created_by="",
    )
    check_terms(made)
    placed = items if frame is None else _placed(_items(frame, made), order, sample)
    with _carried(ws, placed) as digest:
        return ws.call("labels.open_project", project=made, items=digest)


@errand("labels.extend")
def extend(ws: Surface, project: str, data: str = "") -> Project:
    """Add the rows of a newer version that the project does not have yet.

    Args:
        project: The project.
        data: The version; empty: the newest of the project's dataset.
    """
    from fettle.data.versions import load
    from fettle.labels.protection import check_shown

    known: Project = ws.call("labels.show", project=project)
    commit = ws.call("data.show", ref=data or known.dataset)
    frame = load(ws, commit)
    check_shown(ws, commit.dataset, frame, [*known.show, *known.key])
    items = _placed(_items(frame, known), known.order, 0)
    with _carried(ws, items) as digest:
        return ws.call("labels.add_items", project=project, items=digest, commit=commit.id)


@errand("labels.rank")
def rank(
    ws: Surface,
    project: str,
    *,
    columns: list[str] | None = None,
    file: Path | None = None,
    measure: Measure = "margin",
) -> Project:
    """Put the items that a model is least sure of first.

    The probabilities are columns of the labelled version, or of a file with the key columns beside them. In Python,
    `fettle.labels.rank_by(ws, project, predict)` takes a function of the rows.

    Args:
        project: The project.
        columns: The columns with the probability of each class; one column: of the second of two.
        file: A CSV or Parquet file that holds them; not given: the version itself.
        measure: What counts as uncertain.
    """
    import polars as pl

    from fettle.data.versions import load

    known: Project = ws.call("labels.show", project=project)
    if file is None:
        frame = load(ws, known.ref)
    elif not file.is_file():
        raise NotFound(f"There is no file {file}.")
    else:
        frame = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file)
    given = columns or [name for name in frame.columns if name not in known.key]
    for name in given:
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    if file is not None and not known.key:
        raise Invalid(
            f"{project} has no key columns, so rows of a file cannot be matched.",
            hint="Make the project with --key, or commit the probabilities as columns of the version.",
        )
    keys = _names(frame, known)
    return _ranked(ws, known, keys, _floats(frame, given), measure)


def rank_by(ws: Surface, project: str, predict: Probabilities, *, measure: Measure = "margin") -> Project:
    """Put the items that a model is least sure of first.

    Args:
        ws: The workspace.
        project: The project.
        predict: Given the rows of the project's version, returns probabilities; shape (rows, classes), or (rows,).
        measure: What counts as uncertain.
    """
    import numpy as np

    from fettle.data.versions import load

    known: Project = ws.call("labels.show", project=project)
    frame = load(ws, known.ref)
    return _ranked(ws, known, _names(frame, known), np.asarray(predict(frame), dtype=float), measure)


def _ranked(
    ws: Surface, project: Project, keys: Sequence[str], found: np.ndarray, measure: Measure
) -> Project:
    import numpy as np

    from fettle.labels.uncertain import uncertainty

    if len(found) != len(keys):
        raise Invalid("There must be probabilities for each row.", found=f"{len(found)} for {len(keys)} rows")
    scores = dict(zip(keys, uncertainty(found, measure).tolist(), strict=True))
    known = ws.call("labels.keys", project=project.name)
    listed = sorted(known, key=lambda key: (-scores.get(key, -1.0), known[key]))
    places = [(key, place, scores.get(key)) for place, key in enumerate(listed)]
    if not np.isfinite(list(scores.values())).all():
        raise Invalid("A probability is missing.", hint="Fill or leave out rows without a prediction.")
    digest = put_object(ws.blobs, canonical.encode(places))
    return ws.call("labels.arrange", project=project.name, places=digest, order="uncertainty")


def _floats(frame: pl.DataFrame, columns: Sequence[str]) -> np.ndarray:
    import polars as pl

    for name in columns:
        if not frame.schema[name].is_numeric():
            raise Invalid(
                f"The column {name!r} holds no probabilities.",
                found=str(frame.schema[name]),
                hint="Name the columns: --columns p_stay --columns p_churn",
            )
    found = frame.select(pl.col(list(columns)).cast(pl.Float64)).to_numpy()
    return found[:, 0] if len(columns) == 1 else found


def _names(frame: pl.DataFrame, project: Project) -> list[str]:
    from fettle.labels.rows import keys_of

    return keys_of(frame, project.key)


def _items(frame: pl.DataFrame, project: Project) -> list[Item]:
    from fettle.labels.rows import shown_of

    for name in [*project.show, *project.key]:
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    once: dict[str, Item] = {}
    keys = _names(frame, project)
    with progress.phase("Collecting items", total=frame.height, unit="rows") as step:
        for key, values in zip(keys, shown_of(frame, project.show), strict=True):
            once.setdefault(key, Item(key, values))
            step()
    return list(once.values())


def _placed(items: list[Item], order: Order, sample: int) -> list[Item]:
    """Give the items their places; a random order is the same each time, and does not depend on the rows' order."""
    if order != "given" or sample:
        items = sorted(items, key=lambda each: ids.digest(f"{SEED}:{each.key}".encode()))
    kept = items[:sample] if sample else items
    return [Item(each.key, each.values, each.foreign, place) for place, each in enumerate(kept)]


@contextmanager
def _carried(ws: Surface, items: Sequence[Item]) -> Iterator[str]:
    """Items as an object for an act to read; it goes afterwards, for an erasure would not find what it shows."""
    digest = put_object(ws.blobs, b"\n".join(canonical.encode(each) for each in items))
    try:
        yield digest
    finally:
        with suppress(Denied):  # a server may let administrators alone remove blobs
            ws.blobs.delete(object_key(digest))


def _longest_text(frame: pl.DataFrame, show: Sequence[str]) -> str:
    import polars as pl

    texts = [name for name in show if frame.schema[name] == pl.String]
    if not texts:
        raise Invalid(
            "Spans are marked in a text, and no text is shown.", found=f"columns: {', '.join(show)}"
        )
    return max(texts, key=lambda name: frame[name].str.len_chars().sum() or 0)


def _check_classes(kind: Kind, names: Sequence[str]) -> None:
    if kind == "text" and names:
        raise Invalid("Free text has no classes.", found=", ".join(names), hint="Leave --classes out.")
    if kind == "single" and len(names) < 2:
        raise Invalid(
            "There must be two classes or more to choose from.",
            found=", ".join(names) or "none",
            hint="--classes spam --classes ham",
        )
    if kind in ("multi", "spans") and not names:
        raise Invalid(
            "There must be classes to choose from.", found="none", hint="--classes PERSON --classes PLACE"
        )
