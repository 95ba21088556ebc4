"""Ciphers, cells and treatments as properties: what goes in comes out, and nothing more than asked shows."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid
from fettle.privacy.cells import decrypt, encrypt, subjects_in
from fettle.privacy.ciphers import Cipher, keyed_hash, new_key
from fettle.privacy.records import Noise, Partial, Shift, Token
from fettle.privacy.treatments import coarsen, keyed, texts

KEYS = {f"subj-{name}": new_key() for name in "abc"}
NAMES = st.sampled_from(sorted(KEYS))
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


@given(TEXT.map(str.encode), TEXT)
def test_what_is_sealed_opens_under_its_key_and_context_alone(plain: bytes, context: str):
    key = new_key()
    sealed = Cipher(key, context).seal(plain)
    assert Cipher(key, context).seal(plain) == sealed
    assert Cipher(key, context).open(sealed) == plain
    assert Cipher(key, context + "x").open(sealed) is None
    assert Cipher(new_key(), context).open(sealed) is None
    assert Cipher(key, context).open(sealed[:-2]) is None


def rows_of(kind: object, values: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(st.tuples(NAMES, st.none() | values), max_size=12).map(lambda rows: (kind, rows))


VALUES = st.one_of(
    rows_of(pl.String, TEXT),
    rows_of(pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    rows_of(pl.Float64, st.floats(allow_nan=False)),
    rows_of(pl.Boolean, st.booleans()),
    rows_of(pl.Date, st.dates()),
    rows_of(pl.Datetime("us"), st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))),
)


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_a_column_of_any_type_comes_back_exactly(drawn):
    kind, rows = drawn
    values = pl.Series("v", [row[1] for row in rows], dtype=kind)
    owners = pl.Series("who", [row[0] for row in rows], dtype=pl.String)
    cells = encrypt(values, owners, KEYS)
    assert encrypt(values, owners, KEYS).equals(cells)
    assert set(subjects_in(cells)) <= set(owners.to_list())
    back = decrypt(cells, KEYS)
    assert back.to_list() == values.to_list()
    if values.drop_nulls().len():
        assert back.dtype == kind
    none_left = decrypt(cells, {})
    assert set(none_left.to_list()) <= {None, "[erased]"}


def test_a_changed_cell_is_named():
    cells = encrypt(pl.Series("v", ["secret"]), pl.Series(["subj-a"]), KEYS)
    changed = pl.Series("v", [cells[0].replace("subj-a", "subj-b")])
    try:
        decrypt(changed, KEYS)
    except Invalid as error:
        assert "'v'" in error.message
    else:
        raise AssertionError("a cell of another subject opened")


@given(st.lists(TEXT, unique=True, max_size=50), st.integers(8, 52))
@settings(deadline=None)
def test_tokens_are_stable_and_do_not_meet(values: list[str], length: int):
    series, key = pl.Series("v", values, dtype=pl.String), b"k" * 64
    rule = Token(length=max(length, 16))
    first = keyed.token(series, rule, key)
    assert first.equals(keyed.token(series, rule, key))
    assert first.n_unique() == len(values)
    assert not set(first.to_list()) & set(keyed.token(series, rule, b"l" * 64).to_list())


def test_a_hundred_thousand_tokens_do_not_meet():
    values = pl.Series("v", range(100_000))
    assert keyed.token(values, Token(), b"k" * 64).n_unique() == 100_000


@given(st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=3))
def test_two_lists_of_parts_have_two_hashes(one: list[str], other: list[str]):
    assert (keyed_hash(b"k", *one) == keyed_hash(b"k", *other)) == (one == other)


@given(TEXT, st.integers(0, 8), st.integers(0, 8), st.booleans())
def test_partial_never_shows_more_than_asked(text: str, first: int, last: int, shape: bool):
    shown = texts.partial(pl.Series("v", [text]), Partial(first=first, last=last, shape=shape, mask="█"))[0]
    assert len(shown) == len(text)
    kept = [at for at, (was, now) in enumerate(zip(text, shown, strict=True)) if now == was and was != "█"]
    counted = [at for at in kept if not shape or not text[at].isascii() or text[at].isalnum()]
    assert len(counted) <= first + last
    assert 2 * len(counted) <= len(text) or not counted


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.dates(date(1900, 1, 1), date(2100, 1, 1))),
        min_size=1,
        max_size=20,
    ),
    st.integers(1, 400),
)
@settings(deadline=None)
def test_a_shift_keeps_intervals_and_never_stands_still(rows: list[tuple[str, date]], most: int):
    who = pl.Series("who", [row[0] for row in rows])
    days = pl.Series("d", [row[1] for row in rows])
    moved = (keyed.shift(days, Shift(days=most), b"k" * 64, who) - days).dt.total_days().to_list()
    for one in "abc":
        mine = {step for step, (name, _) in zip(moved, rows, strict=True) if name == one}
        assert len(mine) <= 1 and all(0 < abs(step) <= most for step in mine)


def test_shifts_are_uniform_over_all_days_but_zero():
    from collections import Counter

    counts = Counter(keyed.days_of(b"k" * 64, str(each), 3) for each in range(60_000))
    assert set(counts) == {-3, -2, -1, 1, 2, 3}
    assert all(abs(count - 10_000) < 500 for count in counts.values())


def test_noise_follows_its_law():
    from scipy import stats

    values, who = pl.Series("v", [0.0] * 20_000), pl.Series([str(each) for each in range(20_000)])
    for law, expected in (("laplace", stats.laplace(scale=2.0)), ("gaussian", stats.norm(scale=2.0))):
        made = keyed.noise(values, Noise(scale=2.0, law=law), b"k" * 64, who)
        assert stats.kstest(made.to_numpy(), expected.cdf).pvalue > 0.001


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.sampled_from([0.5, 1.0, 5.0, 10.0, 250.0]))
@settings(deadline=None)
def test_a_number_lies_in_its_range(values: list[float], width: float):
    for value, text in zip(values, coarsen.ranges(pl.Series("v", values), width).to_list(), strict=True):
        low, high = (float(each) for each in text.strip("[)").split(", "))
        assert low - 1e-6 <= value <= high + 1e-6


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=5))
def test_base32_is_the_standards(hashes: list[bytes]):
    import base64

    wanted = [base64.b32encode(each).decode().lower().rstrip("=") for each in hashes]
    assert keyed.base32(b"".join(hashes)) == wanted
