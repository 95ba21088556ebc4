"""Bring labels in from files and take them out: Label Studio's JSON, and CSV."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from fettle.acts import Surface, errand
from fettle.core import canonical
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.labels.records import Annotation, Exchanged, Item, Project, Stored

BATCH = 2_000


@errand("labels.export")
def export(
    ws: Surface,
    project: str,
    file: Path,
    *,
    only: Literal["answered", "disputed", "flagged", "all"] = "answered",
) -> Exchanged:
    """Write items and answers to a file: .json for Label Studio, .csv for a line an answer.

    Beside the JSON lies a file .xml: the configuration with which Label Studio shows the tasks. Columns that stand in
    plain although the dataset's privacy policy wants them masked are left out.

    Args:
        project: The project.
        file: Where; an existing file is replaced.
        only: Which items.
    """
    from fettle.labels import delimited, label_studio
    from fettle.labels.protection import without_plain

    known: Project = ws.call("labels.show", project=project)
    there: list[Stored] = ws.call("labels.answers", project=project, only=only, limit=0)
    items, left_out = without_plain(ws, known, there)
    if _form(file) == "json":
        text = msgspec.json.format(
            msgspec.json.encode(label_studio.to_tasks(known, items)), indent=1
        ).decode()
        _write(file.with_suffix(".xml"), label_studio.config_of(known) + "\n")
    else:
        text = delimited.write(items)
    _write(file, text)
    answers = sum(len(each.annotations) for each in items)
    return Exchanged(project, str(file), len(items), answers, left_out=left_out)


@errand("labels.import")
def import_file(ws: Surface, project: str, file: Path, *, data: str = "", annotator: str = "") -> Exchanged:
    """Take answers from a file: Label Studio's JSON, or a CSV as `labels export` writes it.

    Tasks find their items by the key that an export of fettle's carries, by the project's key columns, or by all that
    is shown. A project that does not exist is made of the tasks; their data becomes a dataset. Answers that are there
    already stay as they are.

    Args:
        project: The project.
        file: The file, .json or .csv.
        data: For a new project, the name of the new dataset; empty: the project's name.
        annotator: Whose answers these are; empty: as the file says.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    known = _project(ws, project)
    if _form(file) == "csv":
        if known is None:
            raise NotFound(f"There is no labelling project {project!r}.", hint="fettle labels create")
        return _from_csv(ws, known, file, annotator)
    document = _json(file)
    if known is None:
        known = _made_of_tasks(ws, project, document, data or project)
    return _from_tasks(ws, known, document, file, annotator)


def _from_csv(ws: Surface, project: Project, file: Path, annotator: str) -> Exchanged:
    from fettle.labels import delimited

    numbers: dict[str, int] = ws.call("labels.keys", project=project.name)
    known = set(numbers.values())
    found, unmatched = [], 0
    for key, item, given in delimited.read(file.read_text("utf-8"), now=ws.clock.now()):
        number = numbers.get(key, 0) if key else item
        if number in known:
            found.append(msgspec.structs.replace(given, item=number, annotator=annotator or given.annotator))
        else:
            unmatched += 1
    return _recorded(ws, project, file, found, unmatched)


def _from_tasks(ws: Surface, project: Project, document: Any, file: Path, annotator: str) -> Exchanged:
    from fettle.labels import label_studio

    tasks = label_studio.read_tasks(document, text=project.text, kind=project.kind)
    numbers: dict[str, int] = ws.call("labels.keys", project=project.name)
    by_values: dict[bytes, int] | None = None
    found: list[Annotation] = []
    unmatched = 0
    for task in tasks:
        number = numbers.get(task.key) or numbers.get(_key(task.data, project.key))
        if number is None:
            by_values = _by_values(ws, project) if by_values is None else by_values
            number = by_values.get(_shown(task.data, project))
        if number is None:
            unmatched += 1
            continue
        found += [
            msgspec.structs.replace(each, item=number, annotator=annotator or each.annotator)
            for each in task.annotations
        ]
    return _recorded(ws, project, file, found, unmatched)


def _recorded(
    ws: Surface, project: Project, file: Path, found: Sequence[Annotation], unmatched: int
) -> Exchanged:
    changed = 0
    for start in range(0, len(found), BATCH):
        changed += ws.call("labels.record", project=project.name, annotations=found[start : start + BATCH])
    return Exchanged(project.name, str(file), len({each.item for each in found}), changed, unmatched)


def _made_of_tasks(ws: Surface, name: str, document: Any, dataset: str) -> Project:
    """A project, and a dataset of its tasks' data."""
    import polars as pl

    from fettle.data.versions import commit_frame, load
    from fettle.labels import label_studio
    from fettle.labels.errands.projects import open_items
    from fettle.labels.rows import keys_of, shown_of

    tasks = label_studio.check_tasks(document)
    kind, classes, text = label_studio.kind_of(tasks)
    rows = [{**task["data"], "task": task.get("id", number)} for number, task in enumerate(tasks, 1)]
    if "task" in tasks[0]["data"]:
        raise Conflict("The tasks' data has a field 'task', which is to hold their ids.", hint="Rename it.")
    frame = pl.DataFrame(rows, infer_schema_length=None)
    commit = commit_frame(ws, dataset, frame, source=name, message="tasks of Label Studio", key=["task"])
    frame = load(ws, commit)
    show = [column for column in frame.columns if column != "task"]
    items = [
        Item(key, values, foreign, place)
        for place, (key, values, foreign) in enumerate(
            zip(keys_of(frame, ["task"]), shown_of(frame, show), frame["task"].to_list(), strict=True)
        )
    ]
    return open_items(ws, name, commit, items, kind=kind, classes=classes, show=show, text=text, key=["task"])


def _project(ws: Surface, name: str) -> Project | None:
    try:
        return ws.call("labels.show", project=name)
    except NotFound:
        return None


def _key(data: dict[str, Any], columns: Sequence[str]) -> str:
    """The key that these values make; empty where a column is missing."""
    if not columns or any(name not in data for name in columns):
        return ""
    return canonical.encode([data[name] for name in columns]).decode()


def _by_values(ws: Surface, project: Project) -> dict[bytes, int]:
    found: list[Stored] = ws.call("labels.answers", project=project.name, only="all", limit=0)
    return {_shown(each.values, project): each.item for each in found}


def _shown(values: dict[str, Any], project: Project) -> bytes:
    return canonical.encode([values.get(name) for name in project.show])


def _form(file: Path) -> str:
    form = file.suffix.lower().removeprefix(".")
    if form not in ("json", "csv"):
        raise Invalid(
            f"A file {file.suffix or 'without an ending'} is not understood.",
            found=file.name,
            hint="Name it .json for Label Studio, or .csv",
        )
    return form


def _json(file: Path) -> Any:
    try:
        return msgspec.json.decode(file.read_bytes())
    except msgspec.DecodeError as error:
        raise Invalid(f"{file.name} is not JSON.", found=str(error)) from error


def _write(file: Path, text: str) -> None:
    partial = file.with_name(f".{file.name}.part")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial.write_text(text, "utf-8")
    os.replace(partial, file)
