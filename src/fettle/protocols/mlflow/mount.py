"""All endpoints at their paths: `/api/2.0/mlflow/…`, `/api/3.0/mlflow/…`, `/api/2.0/mlflow-artifacts/…`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fettle.core.errors import FettleError
from fettle.protocols.mlflow import (
    about,
    artifacts,
    assessments,
    errors,
    evaluation,
    experiments,
    inputs,
    logged_models,
    metrics,
    model_versions,
    registered_models,
    runs,
    search,
    trace_search,
    traces,
    uploads,
    version_files,
    webhooks,
)
from fettle.protocols.mlflow.calls import Book, Call, Caller, Endpoint, body_of, taken, write
from fettle.protocols.mlflow.errors import Refused
from fettle.protocols.mlflow.intake import sweep
from fettle.workspace import Workspace

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
    trace_search.BOOK,
    assessments.BOOK,
    webhooks.BOOK,
    evaluation.BOOK,
    artifacts.BOOK,
    about.BOOK,
)
"""The resources; a module that answers for another one adds its book here."""

Identify: TypeAlias = Callable[[Request], Caller]
"""Tells who sent a request; raises `Denied` for nobody."""

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_BASES = ("/api", "/ajax-api")


def routes(workspace: Workspace, identify: Identify) -> list[Route]:
    """The routes of MLflow's protocol.

    Args:
        workspace: What is asked and changed.
        identify: Who sent a request.
    """
    sweep(workspace.folder / "incoming")
    table = Table(BOOKS)

    async def endpoint(request: Request) -> Response:
        return await _guarded(_answer(workspace, identify, table, request))

    async def dataset_search(request: Request) -> Response:
        request.path_params.update(version="2.0", path="experiments/search-datasets")
        return await endpoint(request)

    async def part(request: Request) -> Response:
        return await _guarded(uploads.receive(workspace, request))

    async def version(_: Request) -> Response:
        return PlainTextResponse(about.VERSION)

    def streamed(work: Callable[[Call, Request], Awaitable[Response]]) -> Callable:
        async def answer(request: Request) -> Response:
            return await _guarded(_streamed(workspace, identify, work, request))

        return answer

    found = [
        Route("/version", version, methods=["GET"]),
        Route("/v1/traces", streamed(traces.receive), methods=["POST"]),
        Route("/get-artifact", streamed(artifacts.get_artifact), methods=["GET"]),
        Route("/api/2.0/mlflow-artifacts/mpu/parts/{upload}/{number}", part, methods=["PUT"]),
    ]
    for base in _BASES:
        proxy = f"{base}/2.0/mlflow-artifacts"
        found += [
            Route(
                f"{base}/2.0/mlflow/upload-artifact", streamed(artifacts.upload_artifact), methods=["POST"]
            ),
            Route(f"{proxy}/artifacts", streamed(version_files.on_root), methods=["GET"]),
            Route(
                f"{proxy}/artifacts/{{path:any}}",
                streamed(version_files.on_path),
                methods=["GET", "PUT", "DELETE"],
            ),
            Route(f"{proxy}/mpu/create/{{path:any}}", streamed(uploads.create), methods=["POST"]),
            Route(f"{proxy}/mpu/complete/{{path:any}}", streamed(uploads.complete), methods=["POST"]),
            Route(f"{proxy}/mpu/abort/{{path:any}}", streamed(uploads.abort), methods=["POST"]),
            Route(f"{proxy}/presigned/{{path:any}}", streamed(artifacts.not_presigned), methods=["GET"]),
            Route(f"{base}/2.0mlflow/experiments/search-datasets", dataset_search, methods=["POST"]),
            Route(f"{base}/{{version}}/mlflow/{{path:any}}", endpoint, methods=_METHODS),
        ]
    return found


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


async def _answer(workspace: Workspace, identify: Identify, table: Table, request: Request) -> Response:
    version, path = request.path_params["version"], request.path_params["path"].strip("/")
    endpoint, named = table.find(request.method, version, path)
    body = await body_of(request)

    def work() -> bytes:
        call = Call(workspace, identify(request))
        return write(endpoint.answer(call, taken(request, body, endpoint.asks, named)))

    return Response(await run_in_threadpool(work), media_type="application/json")


async def _streamed(
    workspace: Workspace,
    identify: Identify,
    work: Callable[[Call, Request], Awaitable[Response]],
    request: Request,
) -> Response:
    caller = await run_in_threadpool(identify, request)
    return await work(Call(workspace, caller), request)


async def _guarded(answering: Awaitable[Response]) -> Response:
    """The answer, or the failure in MLflow's form."""
    try:
        return await answering
    except FettleError as error:
        return errors.answer(error)
    except ClientDisconnect:
        return errors.answer(Refused("BAD_REQUEST", "The connection closed before the end."))
