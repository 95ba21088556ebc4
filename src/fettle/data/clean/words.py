"""Operations in words, for reports."""

from __future__ import annotations

from fettle.data.records import cleaning as c

MOST_NAMES = 4


def words_of(operation: c.Operation) -> str:
    """What an operation does, in a few words.

    Example:
        >>> words_of(c.Impute(columns=["age"], by="knn"))
        'impute age by knn'
    """
    match operation:
        case c.Rename():
            return "rename " + ", ".join(f"{old} → {new}" for old, new in operation.columns.items())
        case c.Cast() | c.Dates():
            return f"read {_names(operation.columns)} as {operation.to}"
        case c.Units():
            return f"bring {_names(operation.columns)} to {operation.to}"
        case c.Impute():
            return f"impute {_names(operation.columns)} by {operation.by}"
        case c.Outliers():
            return f"{operation.action} outliers of {_names(operation.columns)} by {operation.by.replace('_', ' ')}"
        case c.Duplicates():
            what = f"of equal {_names(operation.key)}" if operation.key else "that are equal"
            return f"keep the {operation.keep} of rows {what}"
        case c.Derive():
            return f"derive {operation.column} = {operation.formula}"
        case c.Call():
            return f"make {operation.column} by {operation.function}"
        case c.Missing():
            said = [str(each) for each in operation.values]
            said += [f"below {operation.below}"] if operation.below is not None else []
            said += [f"above {operation.above}"] if operation.above is not None else []
            return f"take {', '.join(said)} in {_names(operation.columns)} for missing"
        case c.Drop() | c.Text() | c.Merge():
            verb = {"Drop": "drop", "Text": "write alike", "Merge": "merge categories of"}
            return f"{verb[type(operation).__name__]} {_names(operation.columns)}"


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    return shown + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
