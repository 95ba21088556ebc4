"""Labels that come after the prediction: how a `POST /labels` is written."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from fettle.core.errors import Invalid
from fettle.serving.forms import Malformed, check_count, kind_of, parse


def read_labels(body: bytes) -> list[tuple[str, int, Any]]:
    """Understand `{"labels": [{"id": "…", "label": …, "row": 0}, …]}`; `row` may be left out.

    Raises:
        Invalid: The body has another form; its kind says how.
    """
    content = parse(body)
    entries = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise Malformed(
            "The body must be an object with a list `labels`.",
            found=kind_of(content),
            hint='Send {"labels": [{"id": "the request\'s id", "label": value}]}.',
        )
    check_count(len(entries))
    return [_label(entry, index) for index, entry in enumerate(entries)]


def _label(entry: Any, index: int) -> tuple[str, int, Any]:
    try:
        known = msgspec.convert(entry, _Label)
    except msgspec.ValidationError as error:
        found = f"{error}; at $.labels[{index}]"
        raise Invalid("A label must name its request's id and the label.", found=found) from None
    if known.label is None or isinstance(known.label, dict | list):
        found = f"{kind_of(known.label)} at $.labels[{index}]"
        raise Invalid("A label is a string, a number or a boolean.", found=found)
    return known.id, known.row, known.label


class _Label(msgspec.Struct):
    id: str
    label: Any
    row: Annotated[int, msgspec.Meta(ge=0)] = 0
