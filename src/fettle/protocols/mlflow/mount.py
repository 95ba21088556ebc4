"""What of the protocol is not a JSON call: artifacts, OpenTelemetry, the version. The calls are answered by `front`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fettle.core.errors import FettleError
from fettle.protocols.mlflow import about, artifacts, errors, traces, uploads, version_files
from fettle.protocols.mlflow.calls import Call
from fettle.protocols.mlflow.errors import Refused
from fettle.protocols.mlflow.front import Identify
from fettle.protocols.mlflow.intake import sweep
from fettle.workspace import Workspace

_BASES = ("/api", "/ajax-api")


def routes(workspace: Workspace, identify: Identify) -> list[Route]:
    """The routes of MLflow's protocol beside its calls.

    Args:
        workspace: What is asked and changed.
        identify: Who sent a request.
    """
    sweep(workspace.folder / "incoming")

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
        *(
            Route(
                f"{slash}model-versions/get-artifact", streamed(version_files.get_artifact), methods=["GET"]
            )
            for slash in ("/", "//")
        ),
        Route("/api/2.0/mlflow-artifacts/mpu/parts/{upload}/{number}", part, methods=["PUT"]),
    ]
    for base in _BASES:
        proxy = f"{base}/2.0/mlflow-artifacts"
        upload = f"{base}/2.0/mlflow/upload-artifact"
        found += [
            Route(upload, streamed(artifacts.upload_artifact), methods=["POST"]),
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
        ]
    return found


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
