"""`fettle down`: stop what `fettle up` or `fettle serve --detach` left running."""

from __future__ import annotations

from fettle.cli.place import Place


def down(*, place: Place | None = None) -> None:
    """Stop what serves this project in the background; requests that were begun are finished."""
    from fettle.cli.output import emit
    from fettle.projects import services

    place = place or Place()
    with place.open() as workspace:
        roll = services.stop(workspace)
    emit({"stopped": roll.supervisor, "services": list(roll.services)}, as_json=place.json)
