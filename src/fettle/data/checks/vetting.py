"""Whether a check makes sense, as far as that can be said without a table."""

from __future__ import annotations

from fettle.core.errors import Invalid
from fettle.data.expressions.syntax import parse
from fettle.data.records.checks import Check

FORMS = ("expression", "sql", "query", "function", "unique", "references")


def vet(check: Check) -> Check:
    """The check itself, if it makes sense without a table.

    Raises:
        Invalid: It has no form or several, an expression that cannot be parsed, or a share outside (0, 1].
    """
    given = [form for form in FORMS if getattr(check, form)]
    if len(given) != 1:
        raise Invalid(
            f"The check {check.id!r} asks one thing.",
            found=", ".join(given) or "nothing",
            hint=f"Give one of {', '.join(FORMS)}.",
        )
    if not check.id.strip():
        raise Invalid("A check needs an id.", found=check.text, hint='id = "amount-is-positive"')
    if not 0 < check.mostly <= 1:
        raise Invalid(
            f"The share `mostly` of {check.id!r} lies in (0, 1].",
            found=f"{check.mostly}",
            hint="0.99 lets 1 % fail.",
        )
    if check.expression:
        parse(check.expression)
    if check.references and (not check.columns or ":" not in check.references):
        raise Invalid(
            f"The check {check.id!r} needs columns here and there.",
            found=check.references,
            hint='columns = ["customer"] and references = "customers@main:id"',
        )
    return check
