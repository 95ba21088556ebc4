"""Perform an act: check its arguments and permission, run it, and write the change down with it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from fettle.acts.context import Context
from fettle.acts.records import Act, Role
from fettle.core import canonical, ids
from fettle.core.clock import Clock
from fettle.core.errors import Conflict, Denied, Invalid, nearest

if TYPE_CHECKING:
    from fettle.storage.ports import BlobStore, Database, Transaction


_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Site:
    """Where acts are performed: the backends of one workspace, put together by `fettle.workspace`."""

    database: Database
    blobs: BlobStore
    clock: Clock


def perform(
    site: Site,
    act: Act,
    arguments: Mapping[str, Any],
    *,
    actor: str,
    role: Role,
    idempotency_key: str | None = None,
    lax: bool = False,
) -> Any:
    """Run one act for one actor and return its result.

    A change, its events, its audit entry and the answer kept for `idempotency_key` are one transaction: all of
    them are there afterwards, or none. A key that was used before returns the first answer and changes nothing.

    Args:
        site: The workspace's backends.
        act: What to do.
        arguments: By parameter name; plain JSON-able values or records.
        actor: Who does it, written into the audit.
        role: The actor's role here.
        idempotency_key: Any text the caller chose for this one request; None means no protection.
        lax: Read numbers and booleans from text, as the command line and query strings give them.

    Raises:
        Invalid: An argument is unknown, missing or of the wrong type.
        Denied: The role is below what the act needs.
        Conflict: The idempotency key was used for another request.
    """
    if role < act.needs:
        raise Denied(
            f"{act.name} needs the role {act.needs.name.lower()}.",
            found=f"{actor} is {role.name.lower()} here",
            hint="Ask an administrator of this workspace for the role.",
        )
    values = bind(act, arguments, lax=lax)
    if act.reads:
        return _read(site, act, values, actor, role)
    return _change(site, act, values, actor, role, idempotency_key)


def bind(act: Act, arguments: Mapping[str, Any], *, lax: bool = False) -> dict[str, Any]:
    """Check `arguments` against the act's parameters and convert them to the declared types.

    Raises:
        Invalid: An argument is unknown, missing or of the wrong type; the message names it.
    """
    known = {each.name: each for each in act.parameters}
    for name in arguments:
        if name not in known:
            close = nearest(name, known)
            raise Invalid(
                f"{act.name} takes no argument {name!r}.",
                found=f"it takes: {', '.join(known) or 'none'}",
                hint=f"Did you mean {close[0]!r}?"
                if close
                else f"See `fettle {act.room} {act.verb} --help`.",
            )
    values: dict[str, Any] = {}
    for parameter in act.parameters:
        if parameter.name in arguments:
            _check_texts(act, parameter.name, arguments[parameter.name])
            values[parameter.name] = _convert(
                act, parameter.name, arguments[parameter.name], parameter.type, lax
            )
        elif parameter.required:
            raise Invalid(
                f"{act.name} needs the argument {parameter.name!r}.",
                found=f"given: {', '.join(arguments) or 'nothing'}",
                hint=parameter.help or f"See `fettle {act.room} {act.verb} --help`.",
            )
    return values


def _check_texts(act: Act, name: str, value: Any) -> None:
    """Refuse what not every database can keep: NUL characters, and halves of characters."""
    if isinstance(value, str):
        if "\x00" in value or (not value.isascii() and _HALF.search(value)):
            raise Invalid(
                f"The argument {name!r} of {act.name} has a character that cannot be kept.",
                found="NUL, or half of a surrogate pair",
                hint="Leave it out, or keep such bytes as a file.",
            )
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_texts(act, name, key)
            _check_texts(act, name, each)
    elif isinstance(value, list | tuple):
        for each in value:
            _check_texts(act, name, each)


def _convert(act: Act, name: str, value: Any, kind: Any, lax: bool) -> Any:
    try:
        return msgspec.convert(value, kind, strict=not lax, from_attributes=True, str_keys=lax)
    except msgspec.ValidationError as error:
        shown = repr(value)
        raise Invalid(
            f"The argument {name!r} of {act.name} does not fit: {error}.",
            found=shown if len(shown) <= 80 else shown[:80] + "…",
            hint=f"See `fettle {act.room} {act.verb} --help`.",
        ) from error


def _read(site: Site, act: Act, values: dict[str, Any], actor: str, role: Role) -> Any:
    with contextlib.ExitStack() as stack:
        context = Context(
            lambda: stack.enter_context(site.database.read()), site.blobs, site.clock, actor, role
        )
        return act.function(context, **values)


class _Answered(Exception):
    """The idempotency key was claimed by an earlier request, whose answer stands."""


def _change(site: Site, act: Act, values: dict[str, Any], actor: str, role: Role, key: str | None) -> Any:
    from fettle.acts import store

    request = (
        "" if key is None else ids.digest_of([act.name, actor, msgspec.to_builtins(values, str_keys=True)])
    )
    if key is not None:
        with site.database.read() as tx:
            known = store.find_answer(tx, key)
        if known is not None:
            return _replay(act, key, request, known)
    try:
        with _transaction(site, key, request) as begin:
            context = Context(begin, site.blobs, site.clock, actor, role)
            result = act.function(context, **values)
            store.add_events(context.tx, context.events)
            answer = canonical.encode(result) if act.audited or key is not None else b""
            if act.audited:
                outcome = ids.digest(answer)
                store.add_audit(
                    context.tx, at=context.now, actor=actor, act=act.name, arguments=values, outcome=outcome
                )
            if key is not None:
                store.keep_answer(context.tx, key, answer.decode() if act.keeps_answer else "null")
        return result
    except _Answered:
        with site.database.read() as tx:
            known = store.find_answer(tx, key or "")
        if known is None:
            raise Conflict(
                "Another request with this idempotency key was undone.", hint="Try again."
            ) from None
        return _replay(act, key or "", request, known)


@contextlib.contextmanager
def _transaction(site: Site, key: str | None, request: str) -> Iterator[Any]:
    """Yield a function that begins the write transaction, claiming the idempotency key first of all."""
    from fettle.acts import store

    with contextlib.ExitStack() as stack:

        def begin() -> Transaction:
            tx = stack.enter_context(site.database.write())
            if key is not None and not store.claim_key(tx, key, request, site.clock.now()):
                raise _Answered
            return tx

        yield begin


def _replay(act: Act, key: str, request: str, known: tuple[str, str | None]) -> Any:
    if known[0] != request:
        raise Conflict(
            f"The idempotency key {key!r} was already used for another request.",
            found="a different act, actor or arguments under the same key",
            hint="Use a new key for each different request.",
        )
    if not act.keeps_answer:
        raise Conflict(
            f"{act.name} was already done under this idempotency key, and its answer is kept nowhere.",
            hint="Do it anew under another key.",
        )
    return canonical.decode(known[1] or "null", act.returns)
