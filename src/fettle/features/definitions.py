"""What a definition says: its type, and the digest of what decides its values."""

from __future__ import annotations

from fettle.core import ids
from fettle.core.errors import Invalid
from fettle.data.expressions import read
from fettle.data.records.versions import Type
from fettle.features.records import Draft


def resolved(draft: Draft) -> tuple[Type, str]:
    """The type a definition gives, and its digest.

    Raises:
        Invalid: It has neither an expression nor a function, or both; or its expression is none.
        NotFound: The expression names a column that is not among the inputs.
    """
    if bool(draft.expression) == bool(draft.function):
        raise Invalid(
            f"The feature {draft.name!r} needs an expression or a function.",
            found="both" if draft.expression else "neither",
            hint='expression = "weight / height ** 2", or function = "module:name".',
        )
    if draft.expression:
        found = read(draft.expression, draft.inputs)
        kind = found.type
        if draft.type not in (None, kind):
            raise Invalid(
                f"The expression of {draft.name!r} does not give {draft.type}.",
                found=kind,
                hint="Leave `type` out.",
            )
    else:
        kind = _declared(draft)
    decides = {
        "expression": draft.expression,
        "function": draft.function,
        "code": draft.code,
        "inputs": draft.inputs,
        "type": kind,
    }
    return kind, ids.digest_of(decides)


def _declared(draft: Draft) -> Type:
    if draft.type is None or not draft.code or ":" not in draft.function:
        raise Invalid(
            f"The function of {draft.name!r} needs `module:name`, its type and the digest of its code.",
            found=f"function={draft.function!r}, type={draft.type}",
            hint="Decorate it with @feature(…), then: fettle features load FILE.py",
        )
    return draft.type
