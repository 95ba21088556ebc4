"""Models, versions and aliases by name; what is not there is answered with the nearest names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fettle.core.errors import Conflict, NotFound
from fettle.registry.records.models import Model
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import aliases, models, versions

if TYPE_CHECKING:
    from fettle.acts import Context

_DIGEST = re.compile(r"[0-9a-fA-F]{8,64}")
_SHORTEST = 8


def model(ctx: Context, name: str) -> Model:
    """The model of that name.

    Raises:
        NotFound: There is none.
    """
    found = models.find_model(ctx.tx, name)
    if found is None:
        raise NotFound.among("model", name, models.model_names(ctx.tx), hint="fettle registry models")
    return found


def version(ctx: Context, name: str, number: int) -> ModelVersion:
    """A version by its number.

    Raises:
        NotFound: There is no such model or version; a deleted version says when it went.
    """
    found = versions.find_version(ctx.tx, name, number)
    if found is not None:
        return found
    model(ctx, name)
    for gone in versions.list_removed(ctx.tx, name):
        if gone.version == number:
            raise NotFound(
                f"Version {number} of {name} was deleted.",
                found=f"on {gone.at:%Y-%m-%d} by {gone.actor}: {gone.reason or 'no reason was given'}",
                hint=f"fettle registry removed {name}",
                subject=f"model:{name}",
            )
    numbers = [str(each.version) for each in versions.list_versions(ctx.tx, name)]
    raise NotFound.among(f"version of {name}", str(number), numbers, hint=f"fettle registry versions {name}")


def alias(ctx: Context, name: str, alias: str) -> int:
    """The number of the version that an alias names.

    Raises:
        NotFound: There is no such model or alias.
    """
    number = aliases.alias_version(ctx.tx, name, alias)
    if number is not None:
        return number
    model(ctx, name)
    hint = f"fettle registry promote {name!r} VERSION --to {alias}"
    raise NotFound.among(f"alias of {name}", alias, aliases.alias_names(ctx.tx, name), hint=hint)


def ref(ctx: Context, text: str) -> ModelVersion:
    """The version that a reference names, see `registry.find`.

    Raises:
        NotFound: There is none.
        Conflict: The beginning of a digest fits several.
    """
    name, which = split(text)
    if not which:
        if _DIGEST.fullmatch(name) and models.find_model(ctx.tx, name) is None:
            return _by_digest(ctx, name, None)
        which = "champion"
    if which.isascii() and which.isdecimal() and len(which) < _SHORTEST:
        return version(ctx, name, int(which))
    if which == "latest":
        return _latest(ctx, name)
    named = aliases.alias_version(ctx.tx, name, which)
    if named is None and _DIGEST.fullmatch(which):
        model(ctx, name)
        return _by_digest(ctx, which, name)
    return version(ctx, name, alias(ctx, name, which))


def split(text: str) -> tuple[str, str]:
    """A reference as model and what is wanted of it: `fraud@3`, `fraud/3` and `fraud` give `3`, `3` and nothing.

    Example:
        >>> split("fraud@champion"), split("fraud/3"), split("fraud")
        (('fraud', 'champion'), ('fraud', '3'), ('fraud', ''))
    """
    name, mark, which = text.strip().removeprefix("models:/").rpartition("@" if "@" in text else "/")
    return (name, which) if mark else (which, "")


def _latest(ctx: Context, name: str) -> ModelVersion:
    found = model(ctx, name)
    if not found.latest:
        raise NotFound(
            f"{name} has no version yet.", hint="Register one: ws.registry.register", subject=f"model:{name}"
        )
    return version(ctx, name, found.latest)


def _by_digest(ctx: Context, prefix: str, name: str | None) -> ModelVersion:
    found = versions.find_by_prefix(ctx.tx, prefix.lower(), name)
    if len({each.bundle for each in found}) > 1:
        raise Conflict(
            f"{prefix!r} is the beginning of several digests.",
            found=", ".join(f"{each.bundle[:16]} ({each.ref})" for each in found[:6]),
            hint="Give more of it.",
        )
    if not found:
        among = [each.bundle[:16] for each in versions.list_versions(ctx.tx, name)] if name else []
        raise NotFound.among("bundle", prefix, among, hint="fettle registry models")
    return found[0]
