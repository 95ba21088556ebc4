"""The endpoints of all resources, found by what a request asks for."""

from __future__ import annotations

import re

from fettle.protocols.mlflow import (
    about,
    artifacts,
    assessments,
    evaluation,
    experiments,
    inputs,
    logged_models,
    metrics,
    model_versions,
    old_traces,
    registered_models,
    runs,
    scorers,
    search,
    trace_metrics,
    trace_search,
    traces,
    webhooks,
)
from fettle.protocols.mlflow.calls import Book, Endpoint
from fettle.protocols.mlflow.errors import Refused

BOOKS: tuple[Book, ...] = (
    experiments.BOOK,
    runs.BOOK,
    metrics.BOOK,
    search.BOOK,
    inputs.BOOK,
    logged_models.BOOK,
    registered_models.BOOK,
    model_versions.BOOK,
    traces.BOOK,
    old_traces.BOOK,
    trace_search.BOOK,
    trace_metrics.BOOK,
    assessments.BOOK,
    webhooks.BOOK,
    evaluation.BOOK,
    scorers.BOOK,
    artifacts.BOOK,
    about.BOOK,
)
"""The resources; a module that answers for another one adds its book here."""


class Table:
    """Endpoints by method and path."""

    def __init__(self, books: tuple[Book, ...]) -> None:
        self._exact: dict[tuple[str, str, str], Endpoint] = {}
        self._patterns: list[tuple[re.Pattern[str], Endpoint]] = []
        for each in (endpoint for book in books for endpoint in book.endpoints):
            if "{" in each.path:
                pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", each.path)
                self._patterns.append((re.compile(f"{each.method} {each.version} {pattern}"), each))
            else:
                self._exact[(each.method, each.version, each.path)] = each

    def find(self, method: str, version: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """The endpoint, and the fields that the path names.

        Raises:
            Refused: There is none.
        """
        exact = self._exact.get((method, version, path))
        if exact is not None:
            return exact, {}
        wanted = f"{method} {version} {path}"
        for pattern, endpoint in self._patterns:
            if match := pattern.fullmatch(wanted):
                return endpoint, match.groupdict()
        raise Refused(
            "ENDPOINT_NOT_FOUND", f"fettle does not answer {method} /api/{version}/mlflow/{path[:200]}."
        )
