"""What is made is like what it was learnt from, and none of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, spearmanr
from scipy.stats.contingency import association

from fettle.core.errors import Invalid, NotFound
from fettle.data.records.schemas import Rule, Schema
from fettle.data.records.synthesis import Learnt, Levels, Numbers, Texts
from fettle.data.synthesis import fidelity, invent, learn, privacy, sample
from fettle.data.synthesis.copula import nearest_correlation
from fettle.data.synthesis.likeness import associations, ks
from fettle.data.synthesis.nearness import nearest
from fettle.data.synthesis.regex import Maker

START = datetime(2024, 1, 1, tzinfo=UTC)


def table(rows: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    age = random.gamma(9, 5, rows)
    income = np.exp(age / 40 + random.normal(0, 0.4, rows)) * 1000
    member = age + random.normal(0, 10, rows) > 45
    gap = member & (random.random(rows) < 0.4)
    return pl.DataFrame(
        {
            "id": [f"K{number:05d}-{random.integers(10, 99)}" for number in range(rows)],
            "age": np.round(age, 1),
            "income": [None if off else round(float(each), 2) for each, off in zip(income, gap, strict=True)],
            "visits": random.poisson(2, rows),
            "member": member,
            "city": np.where(age > 50, "Bern", np.where(age > 35, "Chur", "Genf")),
            "rare": ["usual"] * (rows - 3) + ["one of a kind", "two of a kind", "two of a kind"],
            "note": [
                f"{random.choice(['called', 'wrote', 'came'])} about case {number} again"
                for number in range(rows)
            ],
            "born": [
                date(1950, 1, 1) + timedelta(days=int(each)) for each in random.integers(0, 20_000, rows)
            ],
            "at": [
                START + timedelta(minutes=int(each)) for each in np.sort(random.integers(0, 500_000, rows))
            ],
        }
    )


REAL = table(3000, 1)
LEARNT = learn(REAL, k=5)
MADE = sample(LEARNT, 3000, seed=2)


def test_the_same_seed_makes_the_same_rows_and_the_model_reads_back() -> None:
    again = msgspec.json.decode(msgspec.json.encode(LEARNT), type=Learnt)
    assert sample(again, 3000, seed=2).equals(MADE)
    assert not sample(LEARNT, 3000, seed=3).equals(MADE)


def test_columns_and_their_types_are_kept() -> None:
    assert MADE.schema == REAL.schema
    for name in ("age", "income", "visits", "born"):
        one, other = (
            each[name].drop_nulls().cast(pl.Float64 if each[name].dtype != pl.Date else pl.Int32)
            for each in (MADE, REAL)
        )
        assert ks_2samp(one.to_numpy(), other.to_numpy()).statistic < 0.05
    for name in ("city", "member"):
        assert MADE[name].value_counts(normalize=True).sort(name)["proportion"].to_list() == pytest.approx(
            REAL[name].value_counts(normalize=True).sort(name)["proportion"].to_list(), abs=0.04
        )
    assert (MADE["age"].round(1) == MADE["age"]).all()
    assert MADE["income"].null_count() / 3000 == pytest.approx(REAL["income"].null_count() / 3000, abs=0.03)


def test_what_goes_together_goes_together() -> None:
    def strength(frame: pl.DataFrame) -> list[float]:
        known = frame.drop_nulls("income")
        return [
            spearmanr(known["age"], known["income"]).statistic,
            frame.filter("member")["age"].mean() - frame.filter(~pl.col("member"))["age"].mean(),  # type: ignore[operator]  # polars types a mean loosely
            frame.filter(city="Bern")["age"].mean() - frame.filter(city="Genf")["age"].mean(),  # type: ignore[operator]  # polars types a mean loosely
            10 * frame.filter("member")["income"].is_null().mean(),  # type: ignore[operator]  # polars types a mean loosely
        ]

    for made, real in zip(strength(MADE), strength(REAL), strict=True):
        assert made == pytest.approx(real, rel=0.2)


def test_nothing_rare_or_written_shows_through() -> None:
    assert set(MADE["rare"]) == {"usual"}
    assert not set(MADE["note"]) & set(REAL["note"])
    assert not any("case" in each for each in MADE["note"])
    assert MADE["id"].n_unique() == 3000
    assert all(len(each) == 9 and each[6] == "-" for each in MADE["id"])
    assert MADE["age"].max() < REAL["age"].max()
    assert MADE["age"].min() > REAL["age"].min()
    made = next(each for each in LEARNT.columns if each.name == "age")
    assert isinstance(made, Numbers)
    assert len(made.knots) <= 3000 // 5


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from("abcdefgh"), min_size=20, max_size=200), st.integers(2, 8))
def test_no_category_stands_for_fewer_than_k_rows(values: list[str], k: int) -> None:
    learnt = learn(pl.DataFrame({"c": values}), k=k, keys=[])
    marginal = learnt.columns[0]
    assert isinstance(marginal, Levels)
    for value, share in zip(marginal.values, marginal.shares, strict=True):
        assert value == "other" or values.count(str(value)) >= k
        assert share > 0


def test_real_texts_are_avoided_even_where_there_are_few_others() -> None:
    codes = [f"{letter}{digit}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for digit in range(10)]
    learnt = learn(pl.DataFrame({"code": codes}), keys=["code"])
    assert isinstance(learnt.columns[0], Texts)
    made = sample(learnt, 260, seed=1, avoid={"code": set(codes)})
    assert not set(made["code"]) & set(codes)
    assert made["code"].n_unique() == 260


def test_rows_of_one_owner_follow_each_other_in_time() -> None:
    random = np.random.default_rng(4)
    frames = []
    for owner in range(120):
        count = int(random.integers(5, 30))
        level = np.zeros(count)
        for place in range(count):
            level[place] = (0.9 * level[place - 1] if place else 0) + random.normal() * (0.44 if place else 1)
        frames.append(
            pl.DataFrame(
                {
                    "who": [f"U{owner:03d}"] * count,
                    "at": [
                        START + timedelta(hours=int(each)) for each in np.cumsum(random.integers(1, 5, count))
                    ],
                    "level": level,
                    "plan": ["pro" if owner % 3 else "free"] * count,
                }
            )
        )
    real = pl.concat(frames)
    made = sample(learn(real, entity="who", time="at"), 2000, seed=1)

    def memory(frame: pl.DataFrame) -> float:
        pairs = frame.with_columns(pl.col("level").shift(1).over("who").alias("before")).drop_nulls()
        return float(pairs.select(pl.corr("level", "before")).item())

    assert made.height == 2000
    assert memory(made) == pytest.approx(memory(real), abs=0.1)
    assert (made.group_by("who").agg(pl.col("plan").n_unique())["plan"] == 1).all()
    assert made.group_by("who").agg(pl.col("at").is_sorted())["at"].all()
    gaps = made.select(pl.col("at").diff().over("who")).to_series().drop_nulls().dt.total_hours()
    assert gaps.min() >= 0 and gaps.max() <= 4
    assert not set(made["who"]) & set(real["who"]) or made["who"].str.len_chars().unique().to_list() == [4]


def test_a_table_in_time_stays_in_order() -> None:
    made = sample(learn(REAL, time="at"), 500, seed=1)
    assert made["at"].is_sorted()


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 8), st.integers(0, 1000))
def test_a_repaired_correlation_matrix_is_one(size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    broken = np.clip(random.uniform(-1.5, 1.5, (size, size)), -0.99, 0.99)
    broken = (broken + broken.T) / 2
    np.fill_diagonal(broken, 1.0)
    mended = nearest_correlation(broken)
    assert np.linalg.eigvalsh(mended)[0] > 0
    np.testing.assert_allclose(np.diag(mended), 1.0)
    np.testing.assert_allclose(mended, mended.T)


def test_the_nearest_correlation_matrix_is_highams() -> None:
    """Higham (2002), the example of section 4."""
    given = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    expected = np.array([[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]])
    np.testing.assert_allclose(nearest_correlation(given), expected, atol=1e-4)


def test_distances_are_scipys() -> None:
    random = np.random.default_rng(3)
    one, other = random.normal(size=300).round(1), random.normal(0.2, 1, 200).round(1)
    assert ks(one, other) == pytest.approx(ks_2samp(one, other).statistic, abs=1e-15)
    frame = pl.DataFrame(
        {
            "x": one[:200],
            "y": one[:200] + other,
            "a": random.choice(["p", "q", "r"], 200),
            "b": random.choice(["s", "t"], 200),
        }
    )
    found = associations(frame, frame.columns)
    assert found[0, 1] == pytest.approx(spearmanr(frame["x"], frame["y"]).statistic, abs=1e-6)
    counts = (
        frame.pivot("b", index="a", values="x", aggregate_function="len").drop("a").fill_null(0).to_numpy()
    )
    plain, rows = association(counts.astype(int), method="cramer"), counts.sum()
    squared = max(0.0, plain**2 * (min(counts.shape) - 1) - (3 - 1) * (2 - 1) / (rows - 1))
    narrow = min(levels - (levels - 1) ** 2 / (rows - 1) for levels in counts.shape)
    assert found[2, 3] == pytest.approx((squared / (narrow - 1)) ** 0.5, abs=1e-6), "Bergsma (2013)"


def test_a_faithful_table_is_told_from_a_shuffled_one() -> None:
    mixed = REAL.sample(fraction=1.0, shuffle=True, seed=1)
    train, held_out = mixed.head(2000), mixed.tail(1000)
    made = sample(learn(train), 2000, seed=1)
    shuffled = pl.DataFrame([each.shuffle(seed=place) for place, each in enumerate(train.iter_columns())])
    good = fidelity(made, held_out, train, target="member")
    bad = fidelity(shuffled, held_out, train, target="member")

    assert {each.name for each in good.columns} == set(REAL.columns) - {"id", "note"}
    assert good.association_mean < bad.association_mean
    assert good.measure == "auc"
    assert (
        good.real_score is not None and good.synthetic_score is not None and bad.synthetic_score is not None
    )
    assert good.synthetic_score > 0.9 * good.real_score
    assert abs(bad.synthetic_score - 0.5) < 0.1
    assert good.detection_auc < bad.detection_auc


def test_rows_learnt_by_heart_are_found_out() -> None:
    train, held_out = REAL.head(1500), REAL.tail(1500)
    drop = ["id", "note", "at"]
    made = privacy(sample(learn(train), 1500, seed=1).drop(drop), train.drop(drop), held_out.drop(drop))
    copied = privacy(train.drop(drop), train.drop(drop), held_out.drop(drop))

    assert made.copies == 0
    assert made.closer_to_train == pytest.approx(0.5, abs=0.06)
    assert made.distance_train == pytest.approx(made.distance_holdout, rel=0.1)
    assert (copied.copies, copied.distance_train, copied.ratio_median) == (1.0, 0.0, 0.0)
    assert copied.closer_to_train > 0.95


def test_nearest_rows_are_those_of_a_plain_search() -> None:
    train, rows = REAL.head(60).select("age", "city", "income"), REAL.tail(20).select("age", "city", "income")
    order = np.sort(train["age"].to_numpy())
    incomes = np.sort(train["income"].drop_nulls().to_numpy())

    def place(known: np.ndarray, value: float) -> float:
        return (
            (np.searchsorted(known, value, "left") + np.searchsorted(known, value, "right")) / 2 / len(known)
        )

    def apart(one: tuple, other: tuple) -> float:
        lacking = (one[2] is None) + (other[2] is None)
        income = (
            1.0
            if lacking == 1
            else 0.0
            if lacking
            else abs(place(incomes, one[2]) - place(incomes, other[2]))
        )
        return (abs(place(order, one[0]) - place(order, other[0])) + (one[1] != other[1]) + income) / 3

    expected = [sorted(apart(row, other) for other in train.iter_rows())[:2] for row in rows.iter_rows()]
    near, second = nearest(rows, train, train.columns, train)
    np.testing.assert_allclose(np.stack([near, second], axis=1), expected, atol=1e-6)


SCHEMA = Schema(
    [
        Rule("id", "integer", unique=True),
        Rule("code", "string", regex=r"[A-Z]{3}-\d{4}(x|yy)?", unique=True),
        Rule("age", "integer", min=18, max=99, missing_max=0.2),
        Rule("share", "number", min=0, max=1),
        Rule("plan", "string", values=["free", "pro"]),
        Rule("name", "string", min_length=2, max_length=5),
        Rule("ok", "boolean"),
        Rule("at", "datetime", min_at=START, max_at=START + timedelta(days=3), monotone="increasing"),
        Rule("on", "date"),
    ]
)


def test_a_schema_alone_makes_rows_that_it_allows() -> None:
    from fettle.data.validate import validate

    made = invent(SCHEMA, 500, seed=1)
    assert made.equals(invent(SCHEMA, 500, seed=1))
    assert [each for each in validate(made, SCHEMA).anomalies if each.severity == "error"] == []
    assert 0 < made["age"].null_count() < 100
    assert made["at"].is_sorted()
    assert set(made["plan"]) == {"free", "pro"}


@pytest.mark.parametrize(
    "rule",
    [
        Rule("x", "integer", min=1, max=5, unique=True),
        Rule("x", "string", values=["a", "b"], unique=True),
        Rule("x", "number", min=5, max=1),
        Rule("x", "string", regex=r"(?=a)b"),
        Rule("x", "string", regex=r"a{3}", min_length=5),
    ],
)
def test_what_cannot_be_made_is_said(rule: Rule) -> None:
    with pytest.raises(Invalid):
        invent(Schema([rule]), 50, seed=1)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([r"\d+", r"[^abc]{2,4}", r"(foo|ba[rz])+", r"^\w{3}\s.$", r"a*?b?", r"[\d\-x]{5}"]),
    st.integers(0, 99),
)
def test_made_up_texts_match_their_pattern(pattern: str, seed: int) -> None:
    import re

    assert re.fullmatch(pattern, Maker(pattern)(np.random.default_rng(seed)))


def test_too_few_rows_and_unknown_columns_are_said() -> None:
    with pytest.raises(Invalid, match="too few"):
        learn(REAL.head(5))
    with pytest.raises(NotFound, match="'nobody'"):
        learn(REAL, entity="nobody")
    with pytest.raises(Invalid, match="At least one"):
        sample(LEARNT, 0, seed=1)
