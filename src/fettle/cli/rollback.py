"""`fettle rollback`: one command, and the version before serves again."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from fettle.cli.place import Place


def rollback(
    model: Annotated[str | None, Parameter(help="The model [default: this project's].")] = None,
    *,
    alias: Annotated[str, Parameter(help="The alias to move.")] = "champion",
    reason: Annotated[str, Parameter(help="Why, kept with the move.")] = "",
    place: Place | None = None,
) -> None:
    """Point a model's alias back to the version it named before; endpoints follow without a failed request."""
    from fettle.cli.output import emit, next_step

    place = place or Place()
    with place.open() as workspace:
        name = model or place.project().model
        emit(workspace.call("registry.rollback", model=name, alias=alias, reason=reason), as_json=place.json)
    next_step(f"fettle registry history {name} --alias {alias}")
