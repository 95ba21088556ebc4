"""Make synthetic tables where the user is, learnt from a version or made from a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fettle.acts import Surface, errand
from fettle.core.errors import Invalid
from fettle.data.records.synthesis import Learnt, SynthesisReport

if TYPE_CHECKING:
    import polars as pl

    from fettle.data.records import Commit


@errand("data.synthesize")
def synthesize(
    ws: Surface,
    ref: str = "",
    *,
    rows: int = 1000,
    dataset: str = "",
    schema: Path | None = None,
    target: str = "",
    key: list[str] | None = None,
    text: list[str] | None = None,
    time: str = "",
    entity: str = "",
    k: int = 5,
    holdout: float = 0.2,
    seed: int = 0,
    message: str = "",
) -> SynthesisReport:
    """Make a synthetic table, learnt from a version or from a schema alone, and commit it marked as such.

    Learnt tables come with a report: how like the real one they are, and how near their rows come to real
    ones. A part of the rows is held out for that, and not learnt from.

    Args:
        ref: The version to learn from; empty with --schema.
        rows: How many rows to make.
        dataset: Where they go; empty: NAME-synthetic.
        schema: A schema in TOML: nothing else is looked at.
        target: The column a model is to predict: compared are models learnt on synthetic and on real rows.
        key: Columns that name rows; left out, they are found.
        text: Columns whose texts are made up even if there are few different ones.
        time: The column whose order and gaps are kept.
        entity: The column that tells whose row it is: rows of one follow each other.
        k: Nothing that is learnt stands for fewer rows.
        holdout: The share of rows held out.
        seed: Of every random choice.
        message: Why.
    """
    if bool(ref) == (schema is not None):
        raise Invalid(
            "A synthetic table is learnt from a version, or made from a schema.",
            found="both" if ref else "neither",
            hint="fettle data synthesize churn --rows 10000; or --schema schema.toml --dataset churn-synthetic",
        )
    if schema is not None:
        return _from_schema(ws, schema, rows, dataset, seed, message)
    if not 0 < holdout < 1:
        raise Invalid("The share of rows held out lies between 0 and 1.", found=f"{holdout:g}")
    from fettle.core import canonical
    from fettle.data import versions
    from fettle.data.synthesis import fidelity, learn, privacy, sample
    from fettle.storage.objects import put_object

    commit: Commit = ws.call("data.show", ref=ref)
    train, held_out = _held_out(versions.load(ws, commit), holdout, seed, entity)
    learnt = learn(train, k=k, keys=key, time=time, entity=entity, texts_of=text)
    real = _texts(learnt, train, held_out)
    made = sample(learnt, rows, seed=seed, avoid=real)
    like = fidelity(made, held_out, train, target=target, made_up=real, seed=seed)
    near = privacy(made, train, held_out, made_up=real, seed=seed)
    metadata = {
        "synthetic": "copula",
        "made_from": commit.ref,
        "k": str(k),
        "seed": str(seed),
        "fidelity": put_object(ws.blobs, canonical.encode(like)),
        "privacy": put_object(ws.blobs, canonical.encode(near)),
    }
    found = _commit(ws, dataset or f"{commit.dataset}-synthetic", made, commit.ref, metadata, time, message)
    return SynthesisReport(found.ref, commit.ref, made.height, like, near)


def _from_schema(
    ws: Surface, path: Path, rows: int, dataset: str, seed: int, message: str
) -> SynthesisReport:
    from fettle.data.schemas import from_toml
    from fettle.data.synthesis import invent

    if not dataset:
        raise Invalid("A table that is made from a schema needs a name.", hint="--dataset churn-synthetic")
    try:
        schema = from_toml(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The schema {path} cannot be read.", found=str(error)) from error
    made = invent(schema, rows, seed=seed)
    metadata = {"synthetic": "schema", "schema": str(path), "seed": str(seed)}
    found = _commit(ws, dataset, made, path.name, metadata, schema.time or "", message)
    return SynthesisReport(found.ref, "", made.height)


def _commit(
    ws: Surface,
    dataset: str,
    made: pl.DataFrame,
    like: str,
    metadata: dict[str, str],
    time: str,
    message: str,
) -> Commit:
    from fettle.data import versions
    from fettle.data.records import Source

    return versions.commit_frame(
        ws,
        dataset,
        made,
        source=Source(name=f"synthetic rows like {like}", kind="synthetic"),
        message=message or f"{made.height:,} synthetic rows like {like}",
        time_column=time or None,
        metadata=metadata,
    )


def _held_out(frame: pl.DataFrame, share: float, seed: int, entity: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    from fettle.data.split import by_group, random

    parts = (1 - share, share)
    one, other = by_group(frame, entity, parts, seed=seed) if entity else random(frame, parts, seed=seed)
    return one, other


def _texts(learnt: Learnt, *frames: pl.DataFrame) -> dict[str, set[str]]:
    """The real texts of columns that are made up."""
    from fettle.data.records.synthesis import Texts

    names = [each.name for each in learnt.columns if isinstance(each, Texts)]
    return {name: {text for frame in frames for text in frame[name].drop_nulls().to_list()} for name in names}
