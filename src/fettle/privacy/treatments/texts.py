"""Values as texts: hidden whole or in part, or put through any function once for each different one."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from fettle.privacy.records import Partial, Redact


def redact(values: pl.Series, rule: Redact) -> pl.Series:
    """One text in the place of every value; missing where the text is empty."""
    if not rule.text:
        return pl.Series(values.name, [None], dtype=values.dtype).new_from_index(0, len(values))
    known = values.is_not_null()
    return pl.select(pl.when(known).then(pl.lit(rule.text)).alias(values.name)).to_series()


def partial(values: pl.Series, rule: Partial) -> pl.Series:
    """The first or last characters, the others hidden.

    Example:
        >>> import polars as pl
        >>> from fettle.privacy.records import Partial
        >>> partial(pl.Series(["4111 1111 1111 1234", "123"]), Partial(last=4)).to_list()
        ['**** **** **** 1234', '***']
    """
    return mapped(values, lambda text: _shown(text, rule))


def mapped(values: pl.Series, change: Callable[[str], str | None]) -> pl.Series:
    """Each value as text, changed; `change` is called once for each different text."""
    texts = as_text(values)
    different = texts.drop_nulls().unique()
    return replaced(texts, different, [change(each) for each in different.to_list()])


def replaced(texts: pl.Series, old: pl.Series, new: list[str | None]) -> pl.Series:
    """The texts with every one of `old` replaced by its partner."""
    if old.is_empty():
        return texts.cast(pl.String)
    table = pl.DataFrame({"old": old, "new": pl.Series(new, dtype=pl.String)})
    joined = texts.to_frame("old").join(table, on="old", how="left", maintain_order="left")
    return joined.get_column("new").alias(texts.name)


def as_text(values: pl.Series) -> pl.Series:
    """The values as text: what tokens are made of, so that the number 7 and the text "7" have one token."""
    return values if values.dtype == pl.String else values.cast(pl.String)


def _shown(text: str, rule: Partial) -> str:
    if rule.shape:
        places = [at for at, sign in enumerate(text) if not sign.isascii() or sign.isalnum()]
    else:
        places = list(range(len(text)))
    asked = rule.first + rule.last
    clear = len(places) >= 2 * asked
    hidden = set(places[rule.first : len(places) - rule.last] if clear else places)
    return "".join(rule.mask if at in hidden else sign for at, sign in enumerate(text))
