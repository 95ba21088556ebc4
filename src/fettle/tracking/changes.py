"""What many operations of a run come to: each looked at before anything is written, then all written at once.

An operation that is refused leaves nothing behind, and the others are written in a handful of statements, however many
they are and however much the run holds already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Invalid
from fettle.tracking.names import MOST_NOTE, check_values
from fettle.tracking.store import runs as store
from fettle.tracking.values import changed

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction
    from fettle.tracking.records.journals import Told
    from fettle.tracking.records.runs import Artifact


class Changes:
    """The changes of one run that were accepted so far.

    Args:
        run: The run's id.
        known: The parameters it has, at least those that will be named.
    """

    def __init__(self, run: str, known: Mapping[str, Any]) -> None:
        self._run = run
        self._known = dict(known)
        self._params: dict[str, Any] = {}
        self._tags: dict[str, str] = {}
        self._inputs: dict[str, None] = {}
        self._notes: str | None = None
        self._files: dict[str, Artifact] = {}

    def accept(self, told: Told, file: Artifact | None = None) -> None:
        """Add what an operation says, with its file.

        Raises:
            Conflict: A parameter has another value already; nothing of the operation is added.
            Invalid: A name or text cannot be kept.
        """
        check_values("parameter", told.params)
        check_values("tag", told.tags)
        check_notes(told.notes or "")
        fresh = changed(self._run, self._known, told.params)
        self._params |= fresh
        self._known |= fresh
        self._tags |= told.tags
        self._inputs |= dict.fromkeys(told.inputs)
        self._notes = self._notes if told.notes is None else told.notes
        if file is not None:
            self._files[file.path] = file

    def write(self, tx: Transaction) -> None:
        """Write all of it, in the transaction in which `known` was read."""
        store.add_params(tx, self._run, self._params)
        store.set_tags(tx, self._run, self._tags)
        store.put_artifacts(tx, self._run, list(self._files.values()))
        if self._inputs:
            store.add_inputs(tx, self._run, list(self._inputs))
        if self._notes is not None:
            store.change_run(tx, self._run, notes=self._notes)


def check_notes(notes: str) -> str:
    """Return notes that are not too long.

    Raises:
        Invalid: They are.
    """
    if len(notes) > MOST_NOTE:
        raise Invalid(
            "These notes are too long.", found=f"{len(notes):,} characters", hint=f"At most {MOST_NOTE:,}."
        )
    return notes
