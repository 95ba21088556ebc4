"""Build tables with features and commit them, with what they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fettle.core.errors import Invalid
from fettle.core.progress import phase
from fettle.data import versions
from fettle.data.records.versions import Commit, Source
from fettle.features.compute import needed, with_features
from fettle.features.joins import join_as_of
from fettle.features.records import Feature, JoinPlan

if TYPE_CHECKING:
    from fettle.acts import Surface


def computed(ws: Surface, ref: str, refs: Sequence[str], *, dataset: str, message: str = "") -> Commit:
    """Commit the rows of a version with features; see `compute.with_features` for the errors."""
    if not refs:
        raise Invalid("No feature is named.", hint="fettle features find lists them.")
    commit = versions.resolve(ws, ref)
    features = needed(ws, refs)
    frame = with_features(versions.load(ws, commit), features)
    return versions.commit_frame(
        ws,
        dataset,
        frame,
        source=Source(commit.ref, "features", commit.id),
        message=message or f"{commit.dataset} with {', '.join(each.ref for each in features)}",
        time_column=commit.time_column,
        key=commit.table.key or None,
        metadata=_metadata([commit], features),
    )


def joined(ws: Surface, plan: JoinPlan, *, dataset: str, message: str = "") -> Commit:
    """Commit a spine with what was known of others at its times; see `joins.join_as_of` for the errors."""
    spine = versions.resolve(ws, plan.spine)
    frame = versions.load(ws, spine)
    used = [spine]
    with phase("Joining", total=len(plan.tables), unit="tables") as step:
        for each in plan.tables:
            table = versions.resolve(ws, each.table)
            wanted = {
                each.time,
                *each.key.values(),
                *each.take,
                *(one.of for one in each.aggregate if one.of),
            }
            columns = [one.name for one in table.columns if one.name in wanted]
            frame = join_as_of(frame, plan.time, versions.scan(ws, table, columns), each)
            used.append(table)
            step()
    features = needed(ws, plan.features) if plan.features else []
    return versions.commit_frame(
        ws,
        dataset,
        with_features(frame, features),
        source=Source(spine.ref, "features", spine.id),
        message=message
        or f"{spine.dataset} as of {plan.time}, with {', '.join(each.table for each in plan.tables)}",
        time_column=plan.time,
        key=spine.table.key or None,
        metadata=_metadata(used, features),
    )


def _metadata(used: Sequence[Commit], features: Sequence[Feature]) -> dict[str, str]:
    made = {"made_from": " ".join(each.ref for each in used)}
    return made | ({"features": " ".join(each.ref for each in features)} if features else {})
