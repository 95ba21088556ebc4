"""The version that answers: fetched by its digest, loaded, warmed up, and proven on its own examples before it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fettle.acts import Surface
from fettle.core.canonical import decode
from fettle.packaging.bundle import fetch
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import EXAMPLES_FILE, Example, Schema
from fettle.serving.forms import Answer, Row, Served
from fettle.serving.records import Target

WARM_UP_SIZES = (1, 1, 2, 8, 32, 64)


@dataclass(frozen=True)
class Live:
    """A loaded version. Immutable; `predict` may be called from several threads.

    Attributes:
        schema: What rows must look like.
        examples: Rows that were packed with it, with its answers.
        served: Its names, as replies carry them.
    """

    model: str
    version: int
    bundle: str
    predict: Callable[[list[Row]], list[Answer]]
    schema: Schema
    examples: list[Example]
    served: Served

    @property
    def columns(self) -> list[str]:
        """The columns it takes, in order."""
        return self.schema.names


def load(ws: Surface, wanted: Target) -> Live:
    """Fetch, load, warm up and verify the version that `wanted` names.

    Raises:
        NotFound: The bundle is not in the workspace's blobs.
        Damaged: It is not what its digest says.
        Unavailable: It answers its own examples differently than when it was packed, or cannot be fetched now.
    """
    bundle = fetch(ws.blobs, wanted.bundle, ws.folder / "bundles")
    predictor = Predictor(bundle)
    predictor.verify()
    live = Live(
        model=wanted.model,
        version=wanted.version,
        bundle=wanted.bundle,
        predict=predictor.predict,
        schema=predictor.schema,
        examples=decode(bundle.read(EXAMPLES_FILE), list[Example]),
        served=Served(wanted.endpoint, wanted.model, wanted.version),
    )
    warm_up(live)
    return live


def warm_up(live: Live) -> None:
    """Predict the packed examples in batches of several sizes: the first predictions of a graph are slow."""
    rows = [each.row for each in live.examples]
    for size in WARM_UP_SIZES if rows else ():
        live.predict([rows[index % len(rows)] for index in range(size)])
