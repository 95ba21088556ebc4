"""All routes of an endpoint as a plain ASGI app.

The fast lane answers the common predictions before they get here; whatever is unusual about a request (a version in the
path, a compressed body, a pipelined mixture) comes this way and gets the same answer from the same desk.
"""

from __future__ import annotations

import asyncio
import zlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fettle.core.errors import FettleError, Invalid, NotFound, Unavailable
from fettle.packaging.records import Schema
from fettle.serving.forms import Form, Malformed, Predict, TooLarge, write
from fettle.serving.invocations import Invocations
from fettle.serving.live import Live
from fettle.serving.open_inference import OpenInference, datatype_for, datatype_of
from fettle.serving.station import Station

LARGEST_BODY_BYTES = 16 << 20
JSON = "application/json"
HOT_PATHS = ("/predict", "/invocations")
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class Unreadable(Invalid):
    """The body comes in an encoding that is not read here."""

    status = 415


class NotAllowed(Invalid):
    """The route exists, but not for this method."""

    status = 405


class Routes:
    """The routes of one worker."""

    def __init__(self, station: Station, largest_body_bytes: int = LARGEST_BODY_BYTES) -> None:
        self.station = station
        self.desk = station.desk
        self.largest_body_bytes = largest_body_bytes
        self.predict_form: Form = Predict()
        self.infer_form: Form = OpenInference(self.desk.columns)
        self.invocations_form: Form = Invocations(self.desk.columns)
        self._hot: dict[bytes, Form] = {}
        self._hot_for: Live | None = None

    def hot(self, path: bytes) -> Form | None:
        """The form of a path that the fast lane answers, as it stands in a request line; None for any other."""
        if self._hot_for is not self.desk.live:
            model = quote(self.desk.live.model, safe="").encode()
            infer = b"/v2/models/" + model + b"/infer"
            self._hot = {
                b"/predict": self.predict_form,
                b"/invocations": self.invocations_form,
                infer: self.infer_form,
            }
            self._hot_for = self.desk.live
        return self._hot.get(path)

    def app(self) -> Starlette:
        """The ASGI application."""
        model, model_version = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
        routes = [
            Route("/", self.info),
            Route("/health/live", self.live),
            Route("/health/ready", self.ready),
            Route("/ping", self.ready),
            Route("/metrics", self.metrics),
            Route("/predict", self.predict, methods=["POST"]),
            Route("/invocations", self.invocations, methods=["POST"]),
            Route("/labels", self.labels, methods=["POST"]),
            Route("/v2", self.server_metadata),
            Route("/v2/health/live", self.live),
            Route("/v2/health/ready", self.ready),
        ]
        for path in (model, model_version):
            routes += [
                Route(path, self.model_metadata),
                Route(path + "/ready", self.model_ready),
                Route(path + "/infer", self.infer, methods=["POST"]),
            ]
        return Starlette(
            routes=routes,
            exception_handlers={FettleError: _on_error, HTTPException: _on_http_error},
        )

    async def predict(self, request: Request) -> Response:
        return await self._ask(request, self.predict_form)

    async def invocations(self, request: Request) -> Response:
        return await self._ask(request, self.invocations_form)

    async def infer(self, request: Request) -> Response:
        self._check_model(request)
        return await self._ask(request, self.infer_form)

    async def labels(self, request: Request) -> Response:
        count = self.desk.label(await self._body(request))
        return _json({"accepted": count}, status=202)

    async def info(self, request: Request) -> Response:
        live, station = self.desk.live, self.station
        return _json(
            {
                "endpoint": station.endpoint,
                "model": live.model,
                "version": live.version,
                "bundle": live.bundle,
                "worker": station.worker,
                "state": station.state,
                "problem": station.problem,
                "inputs": [{"name": each.name, "kind": each.role} for each in live.schema.columns],
                "example": {"rows": [each.row for each in live.examples[:1]]},
                "routes": [
                    *HOT_PATHS,
                    f"/v2/models/{live.model}/infer",
                    "/labels",
                    "/health/ready",
                    "/metrics",
                ],
            }
        )

    async def live(self, request: Request) -> Response:
        return _json({"live": True})

    async def ready(self, request: Request) -> Response:
        return _json({"ready": self.station.ready}, status=200 if self.station.ready else 503)

    async def metrics(self, request: Request) -> Response:
        text = self.station.meter.exposition(live_version=self.desk.live.version, ready=self.station.ready)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def server_metadata(self, request: Request) -> Response:
        return _json({"name": "fettle", "version": _version(), "extensions": []})

    async def model_metadata(self, request: Request) -> Response:
        self._check_model(request)
        live = self.desk.live
        columns = live.schema.columns
        inputs = [{"name": each.name, "datatype": datatype_of(each.role), "shape": [-1]} for each in columns]
        return _json(
            {
                "name": live.model,
                "versions": [str(live.version)],
                "platform": "onnx_onnxv1",
                "inputs": inputs,
                "outputs": _outputs(live.schema),
            }
        )

    async def model_ready(self, request: Request) -> Response:
        self._check_model(request)
        ready = self.station.ready
        return _json({"name": self.desk.live.model, "ready": ready}, status=200 if ready else 503)

    def _check_model(self, request: Request) -> None:
        live, asked = self.desk.live, request.path_params
        if asked["model"] != live.model:
            raise NotFound.among("model", asked["model"], [live.model])
        if asked.get("version", str(live.version)) != str(live.version):
            raise NotFound.among("version", asked["version"], [str(live.version)])

    async def _ask(self, request: Request, form: Form) -> Response:
        body = await self._body(request)
        answered: asyncio.Future[tuple[int, bytes, str]] = asyncio.get_running_loop().create_future()

        def reply(status: int, content: bytes, request_id: str) -> None:
            if not answered.done():
                answered.set_result((status, content, request_id))

        self.desk.take(form, body, request.headers.get("x-request-id", ""), reply)
        status, content, request_id = await answered
        return Response(content, status, {"x-request-id": request_id}, JSON)

    async def _body(self, request: Request) -> bytes:
        limit, parts, size = self.largest_body_bytes, [], 0
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise too_large(limit)
            parts.append(part)
        encoding = request.headers.get("content-encoding", "identity").lower()
        return b"".join(parts) if encoding == "identity" else unpack(b"".join(parts), encoding, limit)


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo a content encoding; a small body that unpacks to more than `limit` bytes is refused as too large."""
    if encoding not in ("gzip", "deflate"):
        raise Unreadable(
            "The body's encoding is not read here.", found=encoding, hint="Send it plain or gzipped."
        )
    unpacker = zlib.decompressobj(GZIP_OR_ZLIB)
    try:
        content = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise Malformed(f"The body is not {encoding} data.", found=str(error)) from None
    if len(content) > limit:
        raise too_large(limit)
    if not unpacker.eof:
        raise Malformed(f"The {encoding} data ends too early.", found=f"{len(body)} bytes")
    return content


def too_large(limit: int) -> TooLarge:
    """The error for a body over the limit."""
    hint = "Cut the rows into several requests."
    return TooLarge(f"A body may have {limit:,} bytes at most.", found="more", hint=hint)


def _outputs(schema: Schema) -> list[dict[str, Any]]:
    value = schema.labels[0] if schema.labels else 0.0
    outputs: list[dict[str, Any]] = [{"name": "prediction", "datatype": datatype_for(value), "shape": [-1]}]
    if schema.labels:
        outputs.append({"name": "probabilities", "datatype": "FP64", "shape": [-1, len(schema.labels)]})
    return outputs


def _json(content: Any, status: int = 200) -> Response:
    return Response(write(content), status, media_type=JSON)


def _version() -> str:
    try:
        return version("fettle-ml")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "0"


def _refusal(request: Request, error: FettleError) -> Response:
    told = str(error) if request.url.path.startswith("/v2") else error.as_dict()
    return _json({"error": told}, status=error.status)


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FettleError)
    return _refusal(request, error)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == NotAllowed.status:
        hint = "Predictions and labels are POSTed."
        known: FettleError = NotAllowed(f"{request.method} is not for {path}.", hint=hint)
    elif error.status_code == NotFound.status:
        known = NotFound(f"There is nothing at {path}.", hint="GET / lists the routes.")
    else:
        known = Unavailable(error.detail)
    return _refusal(request, known)
