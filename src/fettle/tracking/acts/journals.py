"""What those tell and ask who carry the journals of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from fettle.acts import Context, act
from fettle.acts import store as acts
from fettle.core.errors import Conflict, Invalid
from fettle.tracking.acts import upkeep
from fettle.tracking.acts.runs import in_use, state
from fettle.tracking.changes import Changes
from fettle.tracking.names import check_path
from fettle.tracking.records.journals import Refusal, Told
from fettle.tracking.records.runs import Artifact
from fettle.tracking.store.batch import State, find_state
from fettle.tracking.store.journals import claim_keys, known_keys
from fettle.tracking.store.runs import artifacts_of, params_of

_MOST_ASKED = 5000


@act("tracking.tell", plumbing=True)
def tell(ctx: Context, run: str, journal: str, operations: list[Told]) -> list[Refusal]:
    """Do operations of a run's journal, each exactly once, and answer those that are refused.

    They are done in one transaction and in a handful of statements, however much the run holds. One that is refused
    changes nothing and does not hold up the others.

    Args:
        run: Its id.
        journal: Which journal of the run; one for each process that logs to it.
        operations: In the order in which they were said; such as were done before are passed over.

    Raises:
        NotFound: There is no such run.
        Unavailable: The content of a file is not there (any more); nothing is done.
    """
    _check_asked(operations)
    known = state(ctx, run)
    done = _done(ctx, journal, [each.number for each in operations])
    waiting = [each for each in operations if each.number not in done]
    changes = Changes(run, params_of(ctx.tx, run, list({key for each in waiting for key in each.params})))
    files = _Files(ctx, known, [each.path for each in waiting if each.path])
    refused: list[Refusal] = []
    for each in waiting:
        try:
            in_use(known)
            changes.accept(each, files.made(each) if each.path else None)
        except (Conflict, Invalid) as error:
            refused.append(Refusal(each.number, error.message))
    changes.write(ctx.tx)
    left = {each.number for each in refused}
    keys = [_key(journal, each.number) for each in waiting if each.number not in left]
    claim_keys(ctx.tx, keys, "tracking.tell", ctx.now)
    return refused


class _Files:
    """Files that operations name, as far as the quota of the experiment goes."""

    def __init__(self, ctx: Context, run: State, paths: list[str]) -> None:
        self._ctx = ctx
        self._limits = upkeep.limits_of(ctx, run.experiment) if paths else None
        found = artifacts_of(ctx.tx, [run.id], paths) if self._limits else {}
        self._sizes = {each.path: each.size_bytes for each in found.get(run.id, [])}

    def made(self, told: Told) -> Artifact:
        """The file of an operation.

        Raises:
            Conflict: The quota is used up.
            Unavailable: Its object is not there.
        """
        if self._limits is not None:
            upkeep.check_limits(self._limits)
        size_bytes = upkeep.arrived(self._ctx, check_path(told.path), told.digest)
        if self._limits is not None:
            more = size_bytes - self._sizes.get(told.path, 0)
            self._limits = msgspec.structs.replace(self._limits, size_bytes=self._limits.size_bytes + more)
            self._sizes[told.path] = size_bytes
        return Artifact(path=told.path, digest=told.digest, size_bytes=size_bytes, at=self._ctx.now)


@act("tracking.told", reads=True, plumbing=True)
def told(ctx: Context, journal: str, operations: list[int]) -> list[int]:
    """Say which operations of a run's journal this workspace has done; one restored from a backup has done fewer.

    Args:
        journal: Which journal of the run.
        operations: Their numbers.
    """
    _check_asked(operations)
    done = _done(ctx, journal, operations)
    return [each for each in operations if each in done]


@act("tracking.origin", reads=True, plumbing=True)
def origin(ctx: Context, run: str) -> str:
    """Say in which workspace a run was begun: the hash of the first entry of its audit chain, as in its backups.

    Empty where it knows of the run and has removed it for good: such a run is not begun anew.

    Args:
        run: The run's id.
    """
    if find_state(ctx.tx, run) is None and acts.list_events(ctx.tx, subject=f"run:{run}", most=1):
        return ""
    first = acts.list_audit(ctx.tx, most=1)
    return first[0].hash if first else ""


def _check_asked(operations: Sequence[Any]) -> None:
    if len(operations) > _MOST_ASKED:
        raise Invalid(
            "That are too many operations at once.", found=f"{len(operations):,}", hint="Ask in parts."
        )


def _done(ctx: Context, journal: str, operations: Sequence[int]) -> set[int]:
    """Those of the operations that were done: at first, or after a refusal, when they were told again."""
    keys = {each: (_key(journal, each), f"{journal}-{each:06}") for each in operations}
    known = known_keys(ctx.tx, [key for pair in keys.values() for key in pair])
    return {each for each, pair in keys.items() if not known.isdisjoint(pair)}


def _key(journal: str, number: int) -> str:
    """The idempotency key of an operation."""
    return f"{journal}-{number}"
