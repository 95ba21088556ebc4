"""What can be done with features: define, find, look at, retire."""

from __future__ import annotations

import msgspec

from fettle.acts import Context, act
from fettle.core import ids
from fettle.core.errors import Conflict, Invalid
from fettle.features import store
from fettle.features.records import Draft, Feature


@act("features.define")
def define(ctx: Context, draft: Draft) -> Feature:
    """Define a feature, or the next version of one; the same definition again makes no new version.

    Words that are not given (description, owner, tags) stay those of the version before.

    Args:
        draft: The definition: `name`, `expression` (or `function` and `code`), `inputs` with their types, and words
            about it.
    """
    from fettle.features.definitions import resolved

    ids.check_name("feature", draft.name)
    kind, digest = resolved(draft)
    known = store.newest(ctx.tx, draft.name)
    told = {"description": draft.description, "owner": draft.owner, "tags": draft.tags}
    if known is not None:
        told = {name: each or getattr(known, name) for name, each in told.items()}
    if known is not None and known.digest == digest:
        same = msgspec.structs.replace(known, **told)
        if same != known:
            store.replace(ctx.tx, same)
        return same
    made = Feature(
        name=draft.name,
        version=known.version + 1 if known else 1,
        inputs=draft.inputs,
        type=kind,
        at=ctx.now,
        by=ctx.actor,
        digest=digest,
        expression=draft.expression,
        function=draft.function,
        code=draft.code,
        **told,
    )
    _check_circle(ctx, made)
    store.add(ctx.tx, made)
    ctx.emit("features.defined", f"feature:{made.name}", version=made.version)
    return made


@act("features.show", reads=True)
def show(ctx: Context, ref: str) -> Feature:
    """Show a feature.

    Args:
        ref: `bmi` for the newest version, `bmi@2` for a certain one.
    """
    return store.find(ctx.tx, ref)


@act("features.find", reads=True)
def find(ctx: Context, words: str = "", *, column: str = "", retired: bool = False) -> list[Feature]:
    """Find features by words in their name, description, owner, tags or expression; without words, list all.

    Args:
        words: All of these must occur.
        column: Only features computed from this column.
        retired: Show retired ones too.
    """
    wanted = words.casefold().split()
    return [
        each
        for each in store.newest_of_all(ctx.tx)
        if (retired or not each.retired)
        and (not column or column in each.inputs)
        and all(word in _words(each) for word in wanted)
    ]


@act("features.history", reads=True)
def history(ctx: Context, name: str) -> list[Feature]:
    """List the versions of a feature, newest first.

    Args:
        name: The feature.
    """
    store.find(ctx.tx, name)
    return store.history(ctx.tx, name)


@act("features.retire")
def retire(ctx: Context, ref: str, reason: str) -> Feature:
    """Say that a version of a feature should not be used any more; what uses it goes on.

    Args:
        ref: The feature, or one version of it.
        reason: Why, and what to use instead.
    """
    if not reason.strip():
        raise Invalid("Retiring a feature needs a reason.", hint='For example --reason "use bmi_adult".')
    made = msgspec.structs.replace(store.find(ctx.tx, ref), retired=reason)
    store.replace(ctx.tx, made)
    ctx.emit("features.retired", f"feature:{made.name}", version=made.version, reason=reason)
    return made


@act("features.closure", reads=True, plumbing=True)
def closure(ctx: Context, refs: list[str]) -> list[Feature]:
    """List features and the features they are computed from, each after those it needs.

    Args:
        refs: The features.
    """
    ordered: dict[str, Feature] = {}

    def visit(ref: str) -> None:
        feature = store.find(ctx.tx, ref)
        if feature.name in ordered:
            _check_same(ordered[feature.name], feature)
            return
        for name in feature.inputs:
            if store.newest(ctx.tx, name) is not None:
                visit(name)
        ordered[feature.name] = feature

    for ref in refs:
        visit(ref)
    return list(ordered.values())


def _check_same(one: Feature, other: Feature) -> None:
    if one.version != other.version:
        raise Conflict(
            f"Two versions of the feature {one.name!r} are wanted at once.",
            found=f"{one.ref} and {other.ref}",
            hint="Name one version; features are computed from the newest version of others.",
        )


def _check_circle(ctx: Context, made: Feature) -> None:
    waiting, seen = list(made.inputs), set()
    while waiting:
        name = waiting.pop()
        if name == made.name:
            raise Invalid(
                f"The feature {made.name!r} would be computed from itself.",
                found=", ".join(made.inputs),
                hint="Take the columns it is made from instead.",
            )
        if name not in seen and (below := store.newest(ctx.tx, name)) is not None:
            seen.add(name)
            waiting.extend(below.inputs)


def _words(feature: Feature) -> str:
    parts = (
        feature.name,
        feature.description,
        feature.owner,
        *feature.tags,
        feature.expression,
        feature.function,
    )
    return " ".join(parts).casefold()
