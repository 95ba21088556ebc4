"""What a key decides: tokens, shifts of dates, noise that is the same whenever the same row comes in."""

from __future__ import annotations

import secrets

import numpy as np
import polars as pl

from fettle.core.errors import Invalid
from fettle.privacy.ciphers import keyed_hash
from fettle.privacy.records import Noise, Shift, Token
from fettle.privacy.treatments.texts import as_text, replaced

_PLACES = np.array([16, 8, 4, 2, 1], dtype=np.uint8)
_SIGNS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype=np.uint8)
_AT_ONCE = 50_000


def token(values: pl.Series, rule: Token, key: bytes) -> pl.Series:
    """Tokens of the values: HMAC-SHA-256 in base 32, cut to the rule's length."""
    texts = as_text(values)
    different = texts.drop_nulls().unique()
    codes = base32(b"".join(keyed_hash(key, each) for each in different.to_list()))
    return replaced(texts, different, [rule.prefix + each[: rule.length] for each in codes])


def base32(raw: bytes) -> list[str]:
    """Hashes of 32 bytes each as 52 small letters and digits (RFC 4648), all at once."""
    hashes = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 32)
    codes: list[str] = []
    for start in range(0, len(hashes), _AT_ONCE):
        bits = np.unpackbits(hashes[start : start + _AT_ONCE], axis=1)
        fives = np.pad(bits, ((0, 0), (0, 4))).reshape(len(bits), 52, 5) @ _PLACES
        text = _SIGNS[fives].tobytes().decode("ascii")
        codes += [text[at : at + 52] for at in range(0, len(text), 52)]
    return codes


def shift(values: pl.Series, rule: Shift, key: bytes, subjects: pl.Series) -> pl.Series:
    """Move each date by its subject's number of days, which is never zero.

    Raises:
        Invalid: The column holds no dates or times, or a date has no subject.
    """
    if not (values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime)):
        raise Invalid(
            f"The column {values.name!r} cannot be shifted.",
            found=f"values of the type {values.dtype}",
            hint="Dates and times can; give the column that type first.",
            subject=f"column:{values.name}",
        )
    who = as_text(subjects)
    different = who.drop_nulls().unique()
    days = pl.Series([days_of(key, each, rule.days) for each in different.to_list()], dtype=pl.Int64)
    table = pl.DataFrame({"who": different, "days": days})
    moved = who.to_frame("who").join(table, on="who", how="left", maintain_order="left").get_column("days")
    table = pl.DataFrame({"values": values, "days": moved})
    shifted = table.select(pl.col("values") + pl.duration(days=pl.col("days"))).to_series()
    return shifted.alias(values.name)


def days_of(key: bytes, subject: str, most: int) -> int:
    """A subject's shift in days: uniform over −most … −1, 1 … most."""
    drawn = int.from_bytes(keyed_hash(key, subject)[:8], "big") % (2 * most)
    return drawn - most if drawn < most else drawn - most + 1


def noise(values: pl.Series, rule: Noise, key: bytes, subjects: pl.Series | None) -> pl.Series:
    """Add Laplace or Gaussian noise.

    The stable form hashes (column, subject, value) under the key to two uniform numbers; so values that are equal for
    one subject have equal noise. This hides single values from readers of the data; it is no proof of differential
    privacy, for the guarantee needs an analysis of everything that is published, and floats leak in their last bits
    (Mironov 2012): round with `decimals`.

    Raises:
        Invalid: The column holds no numbers.
    """
    if not values.dtype.is_numeric():
        raise Invalid(
            f"Noise cannot be added to the column {values.name!r}.",
            found=f"values of the type {values.dtype}",
            hint="It takes numbers.",
            subject=f"column:{values.name}",
        )
    first, second = _uniform(values, rule, key, subjects)
    if rule.law == "laplace":
        centred = first - 0.5
        added = -rule.scale * np.sign(centred) * np.log1p(-2 * np.abs(centred))
    else:
        added = rule.scale * np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)  # Box and Muller 1958
    made = values.cast(pl.Float64) + pl.Series(added)
    made = made.clip(rule.low, rule.high) if rule.low is not None or rule.high is not None else made
    if values.dtype.is_integer() and rule.decimals is None:
        return made.round(0).cast(pl.Int64).alias(values.name)
    return (made if rule.decimals is None else made.round(rule.decimals)).alias(values.name)


def _uniform(
    values: pl.Series, rule: Noise, key: bytes, subjects: pl.Series | None
) -> tuple[np.ndarray, np.ndarray]:
    """Two numbers in (0, 1) for each row, with 53 bits."""
    if not rule.stable:
        drawn = np.frombuffer(secrets.token_bytes(16 * len(values)), dtype=">u8").reshape(-1, 2)
    else:
        texts = as_text(values).fill_null("").to_list()
        owners = as_text(subjects).fill_null("").to_list() if subjects is not None else [""] * len(texts)
        raw = b"".join(
            keyed_hash(key, values.name, who, text)[:16] for who, text in zip(owners, texts, strict=True)
        )
        drawn = np.frombuffer(raw, dtype=">u8").reshape(-1, 2)
    whole = ((drawn >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return whole[:, 0], whole[:, 1]
