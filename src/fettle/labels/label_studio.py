"""Label Studio's JSON: tasks with their annotations, read and written without losing ids.

Read and written are the results `choices` (one or several), `textarea` and `labels`; others are refused by name. A task
carries its item's key in `meta`, so that annotations find their items again however the file travelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from fettle.core.errors import Invalid
from fettle.labels.records import Annotation, Answer, Kind, Project, Span, Stored

KEY = "fettle_key"
FROM, TO = "label", "data"
_CONTROL = {"single": "choices", "multi": "choices", "text": "textarea", "spans": "labels"}
_TAGS = {
    "single": ("Choices", "Choice"),
    "multi": ("Choices", "Choice"),
    "text": ("TextArea", "Label"),
    "spans": ("Labels", "Label"),
}
_OF_CONTROL: dict[str, Kind] = {"choices": "single", "textarea": "text", "labels": "spans"}

Json = dict[str, Any]


def to_tasks(project: Project, items: Sequence[Stored]) -> list[Json]:
    """The items as Label Studio's tasks."""
    return [_task(project, each) for each in items]


def _task(project: Project, stored: Stored) -> Json:
    return {
        "id": stored.item if stored.foreign is None else stored.foreign,
        "data": stored.values,
        "meta": {KEY: stored.key},
        "annotations": [_annotation(project, stored, each) for each in stored.annotations],
    }


def _annotation(project: Project, stored: Stored, given: Annotation) -> Json:
    made: Json = {
        "id": f"{stored.item}-{given.annotator}" if given.foreign is None else given.foreign,
        "completed_by": _person(given.annotator),
        "result": _result(project, stored, given.answer) if given.state == "labelled" else [],
        "was_cancelled": given.state == "skipped",
        "lead_time": given.seconds,
        "created_at": given.at.isoformat().replace("+00:00", "Z"),
    }
    if given.flagged or given.note:
        made["meta"] = {"flagged": given.flagged, "note": given.note}
    return made


def _person(annotator: str) -> Any:
    """People of Label Studio have numbers; those keep them."""
    return int(annotator) if annotator.isdigit() else annotator


def _result(project: Project, stored: Stored, answer: Answer) -> list[Json]:
    kind = _CONTROL[project.kind]
    shared = {"from_name": FROM, "to_name": TO, "type": kind}
    if project.kind == "spans":
        text = str(stored.values.get(project.text) or "")
        return [
            {
                **shared,
                "id": f"{each.start}-{each.end}-{each.label}",
                "value": {
                    "start": _to_utf16(text, each.start),
                    "end": _to_utf16(text, each.end),
                    "text": text[each.start : each.end],
                    "labels": [each.label],
                },
            }
            for each in answer.spans
        ]
    value = {"text": [answer.text]} if project.kind == "text" else {"choices": answer.labels}
    return [{**shared, "id": f"{stored.item}-{kind}", "value": value}]


def config_of(project: Project) -> str:
    """The labelling configuration with which Label Studio shows these tasks."""
    from xml.sax.saxutils import quoteattr

    column = quoteattr("$" + (project.text or project.show[0]))
    control, choice = _TAGS[project.kind]
    several = ' choice="multiple"' if project.kind == "multi" else ""
    inner = "".join(f"<{choice} value={quoteattr(name)}/>" for name in project.names)
    asked = f'<{control} name="{FROM}" toName="{TO}"{several}>{inner}</{control}>'
    return f'<View><Text name="{TO}" value={column}/>{asked}</View>'


class Read(msgspec.Struct, frozen=True):
    """A task as it was read: its data, its key if it has one, and who said what."""

    foreign: int | str | None
    data: Json
    key: str
    annotations: list[Annotation]


def kind_of(tasks: Sequence[Json]) -> tuple[Kind, list[str], str]:
    """What tasks ask for, the classes seen, and the column that spans are in, read from their results.

    Raises:
        Invalid: There is no result, or kinds that a project cannot mix.
    """
    results = [each for task in tasks for given in _given(task) for each in given.get("result") or ()]
    types = sorted({str(each.get("type")) for each in results})
    if len(types) != 1 or types[0] not in _OF_CONTROL:
        raise Invalid(
            "These tasks do not tell what kind of labelling they are.",
            found=f"results of type {', '.join(types)}" if types else "no results",
            hint="choices, textarea or labels, one kind a project.",
        )
    kind = _OF_CONTROL[types[0]]
    several = any(len(each["value"].get("choices", ())) != 1 for each in results)
    kind = "multi" if kind == "single" and several else kind
    named = [
        name for each in results for name in each["value"].get("choices") or each["value"].get("labels") or ()
    ]
    return kind, list(dict.fromkeys(named)), _text_column(tasks) if kind == "spans" else ""


def _text_column(tasks: Sequence[Json]) -> str:
    """The column whose values hold the texts of the spans."""
    for task in tasks:
        for given in _given(task):
            for each in given.get("result") or ():
                value = each.get("value", {})
                for name, text in task["data"].items():
                    if isinstance(text, str) and value.get("text") and value["text"] in text:
                        return name
    return next((name for name, text in tasks[0]["data"].items() if isinstance(text, str)), "")


def read_tasks(document: Any, *, text: str = "", kind: Kind | None = None) -> list[Read]:
    """Read tasks with their annotations; predictions are left out.

    Args:
        document: The parsed JSON: a list of tasks.
        text: The column that spans are in: Label Studio counts UTF-16 units, fettle code points.
        kind: What the project asks for; None: whatever is there.

    Raises:
        Invalid: It is no list of tasks, or a result is of a kind that is not understood; the message names the task.
    """
    tasks = check_tasks(document)
    made = []
    for number, task in enumerate(tasks, 1):
        column = str(task["data"].get(text) or "") if text else ""
        given = [_read(each, column, number, kind) for each in _given(task)]
        key = str((task.get("meta") or {}).get(KEY) or "")
        made.append(Read(task.get("id"), task["data"], key, given))
    return made


def check_tasks(document: Any) -> list[Json]:
    """The document, if it is a list of tasks.

    Raises:
        Invalid: It is something else.
    """
    if not isinstance(document, list) or not document:
        raise Invalid(
            "This is no Label Studio export.",
            found=f"a {type(document).__name__}" if document else "nothing",
            hint="Export as JSON: a list of tasks with data and annotations.",
        )
    for number, task in enumerate(document, 1):
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            raise Invalid(
                f"Task {number} has no data.", found=str(task)[:80], hint="Export as JSON, not JSON-MIN."
            )
    return cast("list[Json]", document)


def _given(task: Json) -> list[Json]:
    return [each for each in task.get("annotations") or () if isinstance(each, dict)]


def _read(given: Json, text: str, number: int, kind: Kind | None) -> Annotation:
    results = given.get("result") or []
    meta = given.get("meta") or {}
    skipped = bool(given.get("was_cancelled")) or (not results and kind not in ("multi", "spans"))
    labels: list[str] = []
    spans: list[Span] = []
    said: list[str] = []
    for each in results:
        value = each.get("value") or {}
        match each.get("type"):
            case "choices":
                labels += [str(name) for name in value.get("choices") or ()]
            case "textarea":
                said += [str(line) for line in value.get("text") or ()]
            case "labels":
                spans += _read_spans(value, text)
            case other:
                raise Invalid(
                    f"Task {number} has a result that is not understood.",
                    found=f"type {other!r}",
                    hint="choices, textarea and labels are.",
                )
    return Annotation(
        item=0,
        annotator=_name(given.get("completed_by")),
        state="skipped" if skipped else "labelled",
        answer=Answer() if skipped else Answer(labels=labels, text="\n".join(said), spans=spans),
        flagged=bool(meta.get("flagged")),
        note=str(meta.get("note") or ""),
        seconds=float(given.get("lead_time") or 0.0),
        at=_moment(given.get("created_at") or given.get("updated_at"), number),
        foreign=_foreign(given),
    )


def _foreign(given: Json) -> int | str | None:
    """The annotation's id, unless it is one that `to_tasks` made up."""
    found = given.get("id")
    return None if str(found).endswith(f"-{_name(given.get('completed_by'))}") else found


def _read_spans(value: Json, text: str) -> list[Span]:
    start, end = int(value["start"]), int(value["end"])
    start, end = _from_utf16(text, start), _from_utf16(text, end)
    return [Span(start, end, str(name)) for name in value.get("labels") or ()]


def _name(person: Any) -> str:
    if isinstance(person, dict):
        person = person.get("email") or person.get("username") or person.get("id")
    return str(person) if person not in (None, "") else "unknown"


def _moment(text: Any, number: int) -> datetime:
    if not text:
        return datetime(1970, 1, 1, tzinfo=UTC)
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise Invalid(
            f"Task {number} has an annotation without a readable time.", found=repr(text)
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _to_utf16(text: str, place: int) -> int:
    return place + sum(ord(each) > 0xFFFF for each in text[:place])


def _from_utf16(text: str, place: int) -> int:
    if text.isascii() or not text:
        return place
    return len(text.encode("utf-16-le")[: 2 * place].decode("utf-16-le", "ignore"))
