"""What a reference such as `churn@trial~2` means."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.records.versions import Commit
from fettle.data.store.pointers import head_of, list_pointers, tag_of
from fettle.data.store.tables import commits, moves
from fettle.data.store.versions import dataset_names, get_commit

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

SHORTEST_PREFIX = 6
_STEPS = re.compile(r"^(?P<start>.+?)(?P<steps>(?:~\d*|\^\d*)*)$")
_MOMENT = re.compile(r"^(?P<branch>[^@{}]*)@?\{(?P<at>[^}]+)\}$")


def find_commit(tx: Transaction, ref: str) -> Commit:
    """The commit that a reference means.

    `name` is the head of `main`; `name@X` a branch, a tag, or a commit by its first six characters or more;
    `name@X~2` two before it, `name@X^2` its second parent; `name@{2024-05-01}` or `name@trial@{2024-05-01T12:00}`
    where a branch was at that moment (UTC).

    Raises:
        NotFound: There is no such dataset, branch, tag or commit.
        Conflict: The prefix fits more than one commit.
    """
    dataset, _, version = ref.partition("@")
    version = version or "main"
    if moment := _MOMENT.match(version):
        return get_commit(tx, _head_at(tx, dataset, moment["branch"] or "main", moment["at"]))
    steps = _STEPS.match(version)
    if steps is None or not steps["steps"]:
        return _named(tx, dataset, version)
    found = _named(tx, dataset, steps["start"])
    for sign, count in re.findall(r"([~^])(\d*)", steps["steps"]):
        found = _stepped(tx, found, sign, int(count or 1), ref)
    return found


def _stepped(tx: Transaction, found: Commit, sign: str, count: int, ref: str) -> Commit:
    places = [0] * count if sign == "~" else [count - 1] if count else []
    for place in places:
        if place >= len(found.parents):
            raise NotFound(
                f"There is no version {ref!r}.",
                found=f"{found.id[:12]} has {len(found.parents)} parent(s)",
                hint=f"fettle data log {found.dataset}",
            )
        found = get_commit(tx, found.parents[place])
    return found


def _head_at(tx: Transaction, dataset: str, branch: str, moment: str) -> str:
    try:
        at = datetime.fromisoformat(moment)
    except ValueError as error:
        raise Invalid(
            f"{moment!r} is no date or time.", hint="Write it as 2024-05-31 or 2024-05-31T12:00."
        ) from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    query = sa.select(moves.c.new).where(moves.c.dataset == dataset, moves.c.name == branch, moves.c.at <= at)
    found = tx.execute(query.order_by(moves.c.seq.desc()).limit(1)).scalar_one_or_none()
    if not found:
        _named(tx, dataset, branch)
        raise NotFound(
            f"{dataset!r} had no version on {branch!r} at {at:%Y-%m-%d %H:%M} UTC.",
            hint=f"fettle data log {dataset}",
        )
    return found


def _named(tx: Transaction, dataset: str, version: str) -> Commit:
    head = head_of(tx, dataset, version) or tag_of(tx, dataset, version)
    if head is not None:
        return get_commit(tx, head)
    fits = sa.and_(commits.c.dataset == dataset, commits.c.id.startswith(version, autoescape=True))
    found = tx.execute(sa.select(commits.c.id).where(fits).limit(2)).scalars().all()
    if len(found) == 1 and len(version) >= SHORTEST_PREFIX:
        return get_commit(tx, found[0])
    if len(found) > 1 and len(version) >= SHORTEST_PREFIX:
        raise Conflict(
            f"{version!r} fits more than one commit of {dataset!r}.",
            hint="Give more characters of the commit's id.",
        )
    names = dataset_names(tx)
    if dataset not in names:
        raise NotFound.among("dataset", dataset, names, hint="fettle data datasets")
    known = [each.name for each in list_pointers(tx, dataset)]
    raise NotFound.among(f"version of {dataset}", version, known, hint=f"fettle data log {dataset}")
