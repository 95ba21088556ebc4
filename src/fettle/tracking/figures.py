"""Figures of matplotlib, plotly, Altair and Vega as files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from fettle.core import canonical
from fettle.core.errors import Invalid


def written(figure: Any, *, html: bool = False) -> Iterator[tuple[str, bytes]]:
    """The files of a figure: ending and bytes of each.

    Args:
        figure: Of matplotlib, plotly or Altair, or a Vega dictionary.
        html: A plotly figure also as a page of its own, which needs nothing from elsewhere.

    Raises:
        Invalid: It is another thing.
    """
    drawn = getattr(figure, "figure", None) if not callable(getattr(figure, "savefig", None)) else figure
    if callable(getattr(drawn, "savefig", None)):  # a figure, or axes, which know theirs
        return _drawn(drawn)
    if callable(getattr(figure, "to_plotly_json", None)):
        return _plotly(figure, html)
    if isinstance(figure, Mapping):
        if "vega" in str(figure.get("$schema", "")):
            return iter([("vega.json", canonical.encode(dict(figure)))])
    elif callable(getattr(figure, "to_json", None)) and type(figure).__module__.startswith("altair"):
        return iter([("vega.json", figure.to_json(indent=None).encode())])
    raise Invalid(
        f"A {type(figure).__name__} is no figure that fettle knows.",
        hint="Give a figure of matplotlib, plotly or Altair, or a Vega dictionary; files go with run.log_artifact.",
    )


def _drawn(figure: Any) -> Iterator[tuple[str, bytes]]:
    for kind in ("png", "svg"):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, bbox_inches="tight")
        yield kind, buffer.getvalue()


def _plotly(figure: Any, html: bool) -> Iterator[tuple[str, bytes]]:
    yield "plotly.json", figure.to_json().encode()
    if html:
        yield "html", figure.to_html(include_plotlyjs=True).encode()
