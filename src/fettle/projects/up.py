"""`fettle up`: from a table to a served, watched model, in one call that may be repeated."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from fettle.acts import Surface
from fettle.core import canonical, ids
from fettle.core.errors import NotFound, Unavailable
from fettle.core.units import duration_text
from fettle.data.queries import is_query
from fettle.packaging.bundle import fetch
from fettle.packaging.records import EXAMPLES_FILE, Example
from fettle.projects import services
from fettle.projects.declare import read_project, read_values, write_project
from fettle.projects.run import run
from fettle.projects.teller import Silence, Teller


class UpReport(msgspec.Struct, frozen=True):
    """What `up` made: the model with its metric on rows it had not seen, and how to ask it."""

    project: str
    model: str
    version: int
    algorithm: str
    metric: str
    value: float
    refused: list[str]
    seconds: float
    url: str
    curl: str
    example: dict[str, Any]
    answer: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The report for a program."""
        return msgspec.to_builtins(self)

    def lines(self) -> list[str]:
        """The report for a person."""
        told = [
            f"{self.model} version {self.version}: {self.algorithm}, "
            f"{self.metric} {self.value:.4f} on rows it had not seen ({duration_text(self.seconds)})."
        ]
        told += [f"Not promoted: {reason}" for reason in self.refused]
        if self.curl:
            told += [
                "",
                "Ask it:",
                "",
                self.curl,
                "",
                f"It answered: {json.dumps(self.answer, ensure_ascii=False)}",
            ]
        return told


def up(
    ws: Surface,
    folder: Path,
    source: str,
    target: str,
    *,
    flags: Mapping[str, Any] | None = None,
    teller: Teller | None = None,
    serve: bool = True,
) -> UpReport:
    """Take a table to a model that answers requests and is watched.

    Repeating it after an interruption, or with a mended argument, goes on from what was done.

    Args:
        ws: The workspace; made in `folder` if it is the embedded one.
        folder: The project's folder, where `fettle.toml` is written.
        source: A CSV, Parquet, JSON, JSON-lines or Excel file, or a SQL query.
        target: The column to predict.
        flags: Further settings by key, such as `data.time`.
        teller: Told what happens.
        serve: Leave the endpoint, the keeper and the pages running in the background.

    Raises:
        NotFound: The file or a named column does not exist.
        Invalid: The table cannot be learned from; the message says why.
        Unavailable: The folder cannot be written, the disk is full, or the port is in use.
    """
    say = teller or Silence()
    begun_s = ws.clock.monotonic_s()
    given = {key: value for key, value in (flags or {}).items() if value not in (None, "")}
    name = given.get("project.name") or _name_of(source)
    values: dict[str, Any] = {
        "project.name": name,
        "data.source": _kept(source, folder),
        "data.target": target,
        **given,
    }
    known = read_values(folder)
    same = all(
        known.get(key, values[key]) == values[key] for key in ("project.name", "data.source", "data.target")
    )
    write_project(
        folder, {**known, **values} if same else values, replace=same or not _has_versions(ws, name)
    )
    project = read_project(folder)
    solution = run(ws, project, folder, teller=say)
    bundle = fetch(ws.blobs, solution.bundle, ws.folder / "cache")
    example = canonical.decode(bundle.read(EXAMPLES_FILE), list[Example])[0].row
    url = curl = ""
    answer: dict[str, Any] = {}
    if serve and not solution.refused:
        url = _serve(ws, folder, project.name, project.host, project.port, say)
        curl = curl_line(url, example)
        answer = ask(url, example)
    return UpReport(
        project=project.name,
        model=project.model,
        version=solution.version,
        algorithm=solution.algorithm,
        metric=solution.metric,
        value=solution.value,
        refused=solution.refused,
        seconds=round(ws.clock.monotonic_s() - begun_s, 1),
        url=url,
        curl=curl,
        example=example,
        answer=answer,
    )


def curl_line(url: str, row: Mapping[str, Any]) -> str:
    """A command that asks an endpoint about one row and works as pasted into a POSIX shell."""
    body = json.dumps({"rows": [row]}, ensure_ascii=False, default=str).replace("'", "'\\''")
    return f"curl -s {url}/predict -H 'Content-Type: application/json' -d '{body}'"


def ask(url: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Ask an endpoint about one row.

    Raises:
        Unavailable: It does not answer, or answers with an error.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        body = json.dumps({"rows": [row]}, default=str).encode()
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        payload = answer.read()
    except OSError as error:
        raise Unavailable(f"{url} does not answer.", found=str(error), hint="fettle status") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise Unavailable(f"{url} refused its own example.", found=payload.decode("utf-8", "replace")[:300])
    return json.loads(payload)["predictions"][0]


def _serve(ws: Surface, folder: Path, endpoint: str, host: str, port: int, say: Teller) -> str:
    if services.running(ws) is None:
        if port:
            services.check_port(host, port)
        pid = services.detach(ws, folder)
        url = services.wait_ready(ws, endpoint, alive=lambda: services.alive(pid))
    else:
        url = services.wait_ready(ws, endpoint)
    say.say(f"Serving {endpoint} at {url}; `fettle status` shows it, `fettle down` stops it.")
    return url


def _has_versions(ws: Surface, model: str) -> bool:
    try:
        return bool(ws.call("registry.versions", model=model))
    except NotFound:
        return False


def _name_of(source: str) -> str:
    return "query" if is_query(source) else ids.slug(Path(source.partition("#")[0]).stem)


def _kept(source: str, folder: Path) -> str:
    """The source as `fettle.toml` keeps it: a path relative to the project's folder, or the query itself."""
    if is_query(source):
        return source
    return os.path.relpath(Path(source).expanduser().absolute(), folder.absolute())
