"""Where an alias came from, and where it goes back to."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fettle.registry.records.aliases import AliasChange

PASSING = frozenset({"candidate", "challenger"})
"""Aliases that only say a version is being looked at: they are taken away when it is rejected."""

PROTECTED = frozenset({"champion"})
"""Aliases that are protected without a rule of their own: endpoints serve them."""

UNGATED = frozenset({"candidate"})
"""Aliases that a version may carry before its gates have passed."""


def earlier_versions(history: Sequence[AliasChange]) -> list[int]:
    """The versions an alias held before the one it holds, nearest first.

    A rollback undoes a promotion: after 1, 2, 3 and a rollback to 2, the next rollback leads to 1 and not to 3.

    Args:
        history: The alias's moves, oldest first.
    """
    trail: list[int] = []
    for change in history:
        if change.version is None:
            trail.clear()
        elif change.move == "rolled back" and change.version in trail:
            del trail[trail.index(change.version) + 1 :]
        else:
            if change.version in trail:
                trail.remove(change.version)
            trail.append(change.version)
    return trail[-2::-1]


def rollback_target(history: Sequence[AliasChange], rejected: Collection[int]) -> int | None:
    """The version a rollback leads to: the nearest earlier one that was not rejected since; None if there is none."""
    return next((version for version in earlier_versions(history) if version not in rejected), None)
