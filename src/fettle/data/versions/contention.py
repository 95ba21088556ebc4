"""Several commit to one branch at once: the slower one tries again on what it finds then."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fettle.core.errors import Conflict
from fettle.data import hooks
from fettle.data.records.versions import Commit
from fettle.data.versions.references import head_of

if TYPE_CHECKING:
    from fettle.acts import Surface

ATTEMPTS = 50


class Clashed(Conflict):
    """Both sides changed the same files since they parted."""

    @classmethod
    def among(cls, dataset: str, branch: str, paths: Sequence[str]) -> Clashed:
        """The error for these paths."""
        shown = ", ".join(paths[:5]) + (f", … {len(paths) - 5} more" if len(paths) > 5 else "")
        return cls(
            f"The branch {branch!r} of {dataset!r} changed the same files meanwhile.",
            found=shown,
            hint=f"Commit to a branch of your own, then merge: fettle data merge {dataset} BRANCH --into {branch}",
            subject=f"dataset:{dataset}",
        )


class Elsewhere(Conflict):
    """A branch is not where the caller expected it; trying again would not help."""

    @classmethod
    def of(cls, dataset: str, branch: str) -> Elsewhere:
        """The error for this branch."""
        return cls(
            f"The branch {branch!r} of {dataset!r} moved meanwhile.",
            found="another commit than the expected one at its head",
            hint="Look at the new head and commit again; nothing of yours was written.",
            subject=f"dataset:{dataset}",
        )


def retried(ws: Surface, dataset: str, branch: str, attempt: Callable[[Commit | None], Commit]) -> Commit:
    """Try on the head of the branch until nobody else was faster; tell the hooks of a new version."""
    for number in range(ATTEMPTS):
        head = head_of(ws, dataset, branch)
        try:
            made = attempt(head)
            if head is None or made.id != head.id:
                hooks.run(ws, "after-commit", dataset, branch=branch, message=made.message, commit=made.id)
            return made
        except (Clashed, Elsewhere, hooks.HookRefused):
            raise
        except Conflict:
            if number == ATTEMPTS - 1:
                raise
            ws.clock.sleep(random.uniform(0, 0.01 * (number + 1)))
    raise AssertionError("unreachable: the last attempt returns or raises")
