"""Numbers as people write them: `1.200,25`, `1,200.25`, `1 200,25`, `1'200.25`, all the same number.

What a comma means is decided for a column as a whole, by the values that allow one reading only; a column whose values
contradict each other is left as texts.
"""

from __future__ import annotations

import polars as pl

_SPACES = " \u00a0\u202f'’"
_COMMA_GROUPS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
_SURELY_GROUPS = r"^[+-]?\d{1,3}((,\d{3}){2,}|(,\d{3})+\.\d+)$"
_DECIMAL = r"^[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+$"
_SURELY_DECIMAL = r"^[+-]?(\d+,(\d{1,2}|\d{4,})|\d{4,},\d+|\d{1,3}(\.\d{3})+,\d+|0,\d+)$"
_POINT_GROUPS = r"^[+-]?\d{1,3}(\.\d{3})+$"
_POINT = r"^[+-]?\d*\.\d+$"
_SPACED = rf"^[+-]?\d{{1,3}}([{_SPACES}]\d{{3}})+([.,]\d+)?$"
MARKS = rf"[,{_SPACES}]|\.\d{{3}}\."
"""A text in which something but digits, a sign and one point makes up the number."""


def plain(known: pl.Series, decimal_comma: bool | None) -> pl.Series:
    """The same texts, numbers in them written with a point for the decimals and nothing between the thousands.

    Args:
        known: Texts without blanks around, null where missing.
        decimal_comma: True where a lone `1,234` is 1.234, as in files separated by semicolons; None where it is 1234;
            False leaves all as it is. A column in which other values tell is read as these tell.
    """
    if decimal_comma is False or not known.str.contains(MARKS).any():
        return known
    spaced = known.str.contains(_SPACED)
    tight = known.str.replace_all(rf"[{_SPACES}]", "")
    known = tight.zip_with(spaced.fill_null(False), known)
    groups, decimals = known.str.contains(_SURELY_GROUPS).any(), known.str.contains(_SURELY_DECIMAL).any()
    if groups and decimals:
        return known
    if groups or (decimal_comma is None and not decimals):
        fits = known.str.contains(_COMMA_GROUPS).fill_null(False)
        return known.str.replace_all(",", "", literal=True).zip_with(fits, known)
    if not known.str.contains(_DECIMAL).any():
        return known
    return _without_commas(known)


def _without_commas(known: pl.Series) -> pl.Series:
    """Decimal commas become points; what has a decimal point in the same column is no number."""
    fits = known.str.contains(f"{_DECIMAL}|{_POINT_GROUPS}").fill_null(False)
    made = known.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    pointed = (known.str.contains(_POINT) & ~fits).fill_null(False)
    return made.zip_with(fits, ("?" + known).zip_with(pointed, known))
