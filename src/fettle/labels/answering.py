"""Whether an answer fits its project: known classes, one or several, spans within the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fettle.core.errors import Invalid, NotFound
from fettle.labels.records import Answer, Project, Span

LONGEST_TEXT = 100_000


def checked(project: Project, values: dict[str, Any], answer: Answer) -> Answer:
    """Return the answer in its usual form: classes in the project's order, spans in the text's, each once.

    Args:
        project: What is asked for.
        values: What is shown of the item.
        answer: What was said.

    Raises:
        Invalid: It is empty, of another kind, or its spans lie outside of the text.
        NotFound: It names a class that the project has not.
    """
    given = {"labels": bool(answer.labels), "text": bool(answer.text.strip()), "spans": bool(answer.spans)}
    fits = {"single": "labels", "multi": "labels", "text": "text", "spans": "spans"}[project.kind]
    if odd := [name for name, there in given.items() if there and name != fits]:
        raise Invalid(
            f"{project.name} asks for {_WANTED[project.kind]}.",
            found=f"an answer with {odd[0]}",
            hint=_HINTS[project.kind],
        )
    for label in [*answer.labels, *(each.label for each in answer.spans)]:
        if label not in project.names:
            raise NotFound.among(f"class of {project.name}", label, project.names)
    match project.kind:
        case "single":
            return _single(project, answer)
        case "multi":
            return Answer(labels=[name for name in project.names if name in answer.labels])
        case "text":
            return _text(project, answer)
        case "spans":
            return Answer(spans=_spans(str(values.get(project.text) or ""), answer.spans))


_WANTED = {
    "single": "one class for each item",
    "multi": "any number of classes for each item",
    "text": "a text for each item",
    "spans": "marked parts of a text",
}
_HINTS = {
    "single": "fettle labels label PROJECT ITEM --labels CLASS",
    "multi": "fettle labels label PROJECT ITEM --labels CLASS --labels CLASS",
    "text": 'fettle labels label PROJECT ITEM --text "…"',
    "spans": 'fettle labels label PROJECT ITEM --spans \'[{"start": 0, "end": 5, "label": "…"}]\'',
}


def _single(project: Project, answer: Answer) -> Answer:
    if len(set(answer.labels)) != 1:
        raise Invalid(
            f"{project.name} asks for one class for each item.",
            found=", ".join(answer.labels) or "none",
            hint="Choose one, or skip the item.",
        )
    return Answer(labels=answer.labels[:1])


def _text(project: Project, answer: Answer) -> Answer:
    text = answer.text.strip()
    if not text or len(text) > LONGEST_TEXT:
        raise Invalid(
            f"{project.name} asks for a text for each item.",
            found=f"{len(text):,} characters",
            hint=f"Write 1 to {LONGEST_TEXT:,} characters, or skip the item.",
        )
    return Answer(text=text)


def _spans(text: str, given: Sequence[Span]) -> list[Span]:
    for each in given:
        if not 0 <= each.start < each.end <= len(text):
            raise Invalid(
                "A span lies within its text and is not empty.",
                found=f"{each.start} to {each.end} of {len(text)} characters",
                hint="Positions count Unicode code points from 0; the end is not included.",
            )
    return sorted(set(given))
