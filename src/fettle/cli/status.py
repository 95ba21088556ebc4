"""`fettle status`: the loop at a glance."""

from __future__ import annotations

from fettle.cli.place import Place


def status(*, place: Place | None = None) -> None:
    """Show datasets, models, endpoints, alerts and retrainings of this workspace."""
    from fettle.cli.output import emit_report
    from fettle.projects import status as story

    place = place or Place()
    with place.open() as workspace:
        emit_report(story.status(workspace), as_json=place.json)
