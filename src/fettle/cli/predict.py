"""`fettle predict`: ask a model, here or behind its alias in the workspace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from fettle.cli.place import Place
from fettle.core.errors import Invalid


def predict(
    source: Annotated[
        str,
        Parameter(
            help="A data file, a row as JSON, or - for JSON lines on stdin.", allow_leading_hyphen=True
        ),
    ],
    *,
    model: Annotated[str | None, Parameter(help="The model [default: this project's].")] = None,
    alias: Annotated[str, Parameter(help="Which version answers: an alias, or a number.")] = "champion",
    out: Annotated[Path | None, Parameter(help="Write JSON lines to this file instead.")] = None,
    place: Place | None = None,
) -> None:
    """Predict rows with the version behind an alias, in this process; no endpoint needs to run.

    The answers come in the order of the rows. They are not logged: only an endpoint's requests are monitored.
    """
    from fettle.cli.output import emit, say
    from fettle.core import canonical
    from fettle.here import load

    place = place or Place()
    rows = read_rows(source)
    with place.open() as workspace:
        name = model or place.project().model
        answers = load(f"{name}@{alias}", workspace=workspace).predict(rows)
    if out is not None:
        out.write_bytes(b"".join(canonical.encode(each) + b"\n" for each in answers))
        say(f"{len(answers)} predictions written to {out}")
    else:
        emit({"predictions": answers} if place.json else answers, as_json=place.json)


def read_rows(source: str) -> list[dict[str, Any]]:
    """Read the rows to predict: a file or query as `fettle up` reads it, one JSON object, or JSON lines.

    Raises:
        Invalid: The text is not JSON, or not an object.
    """
    import msgspec

    if source != "-" and not source.lstrip().startswith("{"):
        from fettle.data.ingest import read_source

        return read_source(source).to_dicts()
    text = sys.stdin.read() if source == "-" else source
    try:
        rows = [msgspec.json.decode(line) for line in text.splitlines() if line.strip()]
    except msgspec.DecodeError as error:
        raise Invalid(
            "The rows are not JSON.", found=str(error), hint='One object a line: {"age": 31, …}'
        ) from error
    if not all(isinstance(row, dict) for row in rows):
        raise Invalid(
            "Each row is a JSON object.", found="something else", hint='One object a line: {"age": 31, …}'
        )
    return rows
