"""Annotations as CSV: a line an answer, readable in any spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime

import msgspec

from fettle.core import canonical
from fettle.core.errors import Invalid
from fettle.labels.records import Annotation, Answer, Span, Stored

COLUMNS = ("item", "key", "annotator", "state", "labels", "text", "spans", "flagged", "note", "seconds", "at")
SEVERAL = "|"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def write(items: Iterable[Stored]) -> str:
    """A line for each answer.

    Several classes are joined by `|`; spans are JSON. A text that a spreadsheet would run as a formula gets an
    apostrophe in front, which `read` takes away again.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in items:
        for given in each.annotations:
            answer = given.answer
            writer.writerow(
                [
                    each.item,
                    each.key,
                    _safe(given.annotator),
                    given.state,
                    _safe(
                        SEVERAL.join(
                            name.replace("\\", "\\\\").replace(SEVERAL, "\\|") for name in answer.labels
                        )
                    ),
                    _safe(answer.text),
                    canonical.encode(answer.spans).decode() if answer.spans else "",
                    "yes" if given.flagged else "",
                    _safe(given.note),
                    f"{given.seconds:g}" if given.seconds else "",
                    given.at.isoformat(),
                ]
            )
    return out.getvalue()


def read(text: str, *, now: datetime) -> list[tuple[str, int, Annotation]]:
    """Read such lines; of the columns only `annotator`, one of `key` and `item`, and an answer are needed.

    Args:
        text: The CSV.
        now: The time of answers that have none.

    Returns:
        The key (empty if there is none), the item's number (0 if there is none) and the answer of each line.

    Raises:
        Invalid: A column is missing or a line cannot be read; the message names the line.
    """
    lines = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    there = set(lines.fieldnames or ())
    if "annotator" not in there or not there & {"key", "item"} or not there & {"labels", "text", "spans"}:
        raise Invalid(
            "This CSV holds no annotations.",
            found=f"columns: {', '.join(lines.fieldnames or ()) or 'none'}",
            hint="It needs annotator, key (or item), and labels (or text, or spans).",
        )
    made = []
    for each in lines:
        try:
            made.append(_line(each, now))
        except (ValueError, msgspec.DecodeError) as error:
            raise Invalid(f"Line {lines.line_num} cannot be read.", found=str(error)[:200]) from error
    return made


def _line(line: dict[str, str | None], now: datetime) -> tuple[str, int, Annotation]:
    def cell(name: str) -> str:
        return line.get(name) or ""

    spans = canonical.decode(cell("spans"), list[Span]) if cell("spans") else []
    answer = Answer(labels=_several(_plain(cell("labels"))), text=_plain(cell("text")), spans=spans)
    skipped = cell("state") == "skipped"
    given = Annotation(
        item=int(cell("item") or 0),
        annotator=_plain(cell("annotator")) or "unknown",
        state="skipped" if skipped else "labelled",
        answer=Answer() if skipped else answer,
        flagged=cell("flagged").lower() in ("yes", "true", "1"),
        note=_plain(cell("note")),
        seconds=float(cell("seconds") or 0),
        at=_aware(datetime.fromisoformat(cell("at")), now) if cell("at") else now,
    )
    return cell("key"), given.item, given


def _aware(at: datetime, now: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=now.tzinfo)


def _several(text: str) -> list[str]:
    names, current, escaped = [], "", False
    for sign in text:
        if escaped or sign not in ("\\", SEVERAL):
            current, escaped = current + sign, False
        elif sign == "\\":
            escaped = True
        else:
            names, current = [*names, current], ""
    return [each for each in (*names, current) if each]


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith((*_DANGEROUS, "'")) else text


def _plain(text: str) -> str:
    return text[1:] if text.startswith("'") else text
