"""`fettle up`: from a table to a served, watched model, in one call that may be repeated."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from fettle.acts import Surface
from fettle.core import canonical, ids
from fettle.core.config import Settings
from fettle.core.errors import Conflict, GateFailed, Invalid, NotFound, Unavailable
from fettle.core.units import duration_text
from fettle.data import ingest
from fettle.data.queries import is_query, located
from fettle.packaging.bundle import fetch
from fettle.packaging.records import EXAMPLES_FILE, Example
from fettle.projects import services
from fettle.projects.declare import FILE, read_values, write_project
from fettle.projects.learnable import check_learnable
from fettle.projects.records import Project, Solution, project_of
from fettle.projects.run import champion_of, run
from fettle.projects.teller import Silence, Teller

OF_THE_DATA = ("data.", "train.slices")
"""Settings that speak of one table's columns: those of an attempt that came to nothing do not outlive it."""


PORTS_TRIED = 20


class UpReport(msgspec.Struct, frozen=True):
    """What `up` made: the model with its metric on rows it had not seen, and how to ask it.

    Attributes:
        version: The version that serves; an earlier one if the one just made was no better.
        refused: Why the version just made does not serve; empty if it does.
        pages: Where the pages are shown; empty if they are not.
    """

    project: str
    model: str
    version: int
    algorithm: str
    metric: str
    value: float
    refused: list[str]
    seconds: float
    url: str
    pages: str
    curl: str
    example: dict[str, Any]
    answer: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The report for a program."""
        return msgspec.to_builtins(self)

    def lines(self) -> list[str]:
        """The report for a person."""
        told = [
            f"{self.algorithm}: {self.metric} {self.value:.4f} on rows it had not seen "
            f"({duration_text(self.seconds)})."
        ]
        told += [f"It does not serve: {reason}" for reason in self.refused]
        told += [f"{self.model} version {self.version} serves."]
        if self.curl:
            told += [
                "",
                "Ask it:",
                "",
                self.curl,
                "",
                f"It answered: {json.dumps(self.answer, ensure_ascii=False)}",
            ]
        if self.pages:
            told += ["", f"Watch it: {self.pages}"]
        return told


class Plan(msgspec.Struct, frozen=True):
    """What `up` is about to do, checked but not begun: the settings to declare, and the project they make."""

    values: dict[str, Any]
    known: dict[str, Any]
    project: Project

    @property
    def is_new(self) -> bool:
        """Whether `fettle.toml` does not say this yet."""
        return self.values != self.known


def plan(folder: Path, source: str, target: str, *, flags: Mapping[str, Any] | None = None) -> Plan:
    """Make sure that a table can be learned from, before anything is written.

    Args:
        folder: The project's folder; it need not exist.
        source: A file, read from the current folder, or a SQL query.
        target: The column to predict.
        flags: Further settings by key, such as `data.time`.

    Raises:
        NotFound: The file or a named column does not exist; the nearest names are offered.
        Invalid: A setting is wrong, or the table cannot be learned from; the message says why.
    """
    known = read_values(folder)
    given = {key: value for key, value in (flags or {}).items() if value not in (None, "")}
    asked = {"data.source": kept(source, folder), "data.target": target}
    same = all(known.get(key) == value for key, value in asked.items())
    stays = known if same else _lasting(known)
    named = {} if same else {"project.name": ingest.dataset_name(source)}
    values = {**named, **stays, **asked, **given}
    project = project_of(Settings.read(folder, values), folder)
    ids.check_name("project", project.name)
    made = Plan(values, known, project)
    if made.is_new:
        check_learnable(ingest.read_source(source), project)
    return made


def up(
    ws: Surface, folder: Path, planned: Plan, *, teller: Teller | None = None, serve: bool = True
) -> UpReport:
    """Take a table to a model that answers requests and is watched.

    Repeating it after an interruption, or with a mended argument, goes on from what was done.

    Args:
        ws: The workspace; made in `folder` if it is the embedded one.
        folder: The project's folder, where `fettle.toml` is written.
        planned: What `plan` found to be possible.
        teller: Told what happens.
        serve: Leave the endpoint, the keeper and the pages running in the background.

    Raises:
        Conflict: The folder holds a model of another table or target.
        GateFailed: The model is not fit to serve, and no earlier one is there.
        Invalid: The table cannot be learned from; the message says why.
        Unavailable: The folder cannot be written, the disk is full, or the port is in use.
    """
    say = teller or Silence()
    begun_s = ws.clock.monotonic_s()
    _refuse_another(ws, folder, planned)
    if serve:
        check_free_port(ws, planned.project)
    if planned.is_new:
        write_project(folder, planned.values, replace=True)
    project = planned.project
    solution = run(ws, project, folder, teller=say)
    champion = champion_of(ws, project.model)
    if champion is None:
        raise unfit(project, solution)
    bundle = fetch(ws.blobs, champion.bundle, ws.folder / "cache")
    example = canonical.decode(bundle.read(EXAMPLES_FILE), list[Example])[0].row
    url = pages = curl = ""
    answer: dict[str, Any] = {}
    if serve:
        url, pages = serve_detached(ws, folder, project, say)
        curl = curl_line(url, example)
        answer = ask(url, example)
    return UpReport(
        project=project.name,
        model=project.model,
        version=champion.version,
        algorithm=solution.algorithm,
        metric=solution.metric,
        value=solution.value,
        refused=solution.refused,
        seconds=round(ws.clock.monotonic_s() - begun_s, 1),
        url=url,
        pages=pages,
        curl=curl,
        example=example,
        answer=answer,
    )


def no_target(source: str) -> Invalid:
    """The error for a table without a target: which columns there are, and the command with one of them.

    Raises:
        NotFound: There is no such file.
        Invalid: The file cannot be read.
    """
    names = ingest.read_source(source).columns
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return Invalid(
        "Which column is to be predicted?",
        found=f"{len(names)} columns: {shown}",
        hint=f"For instance: {shlex.join(['fettle', 'up', source, '--target', names[-1]])}",
    )


def unfit(project: Project, solution: Solution) -> GateFailed:
    """The error for a first model that did not pass its gates: nothing can serve."""
    return GateFailed(
        f"Version {solution.version} of {project.model} is not fit to serve, and there is no earlier one.",
        found="; ".join(solution.refused),
        hint=f"Do the columns say anything about {project.target!r}? Give more rows or columns. To serve it anyhow: "
        f"fettle registry promote {project.model} {solution.version} --override --reason WHY",
        subject=f"model:{project.model}",
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


def check_free_port(ws: Surface, project: Project) -> None:
    """Make sure, before work begins, that the endpoint's port is free, unless this project holds it itself.

    Raises:
        Unavailable: Something else listens there.
    """
    if project.port and services.running(ws) is None:
        services.check_port(project.host, project.port)


def kept(source: str, folder: Path) -> str:
    """The source as `fettle.toml` keeps it: read from the project's folder, wherever the command is typed."""
    here, there = Path.cwd(), folder.absolute()
    if ingest.is_address(source):
        return source
    if is_query(source):
        return source if here == there else located(source, here)
    return os.path.relpath(Path(source).expanduser().absolute(), there)


def _lasting(known: Mapping[str, Any]) -> dict[str, Any]:
    """The declared settings that another table leaves as they are: all but the data's own, and a name taken from it."""
    source = known.get("data.source", "")
    derived = ingest.dataset_name(source) if source else ""
    return {
        key: value
        for key, value in known.items()
        if not key.startswith(OF_THE_DATA) and (key, value) != ("project.name", derived)
    }


def _refuse_another(ws: Surface, folder: Path, planned: Plan) -> None:
    """Leave a folder alone whose model was made of something else."""
    known, values = planned.known, planned.values
    named = known.get("project.name") or folder.resolve().name
    keys = [key for key in ("project.name", "data.source", "data.target") if known.get(key)]
    differ = [key for key in keys if known[key] != values[key]]
    if not differ or not _has_versions(ws, named):
        return
    told = "; ".join(f"{key} is {known[key]!r}, not {values[key]!r}" for key in differ)
    raise Conflict(
        f"This folder holds another project, {named!r}, and it has a model.",
        found=f"in {folder / FILE}: {told}",
        hint="Use a folder of its own: add -C NEWFOLDER. To give this project new data, "
        f"change data.source in {FILE} and call `fettle run`.",
        subject=f"project:{named}",
    )


def serve_detached(
    ws: Surface, folder: Path, project: Project, teller: Teller, *options: str, ui_port: int | None = None
) -> tuple[str, str]:
    """Have the project served in the background; return the URLs of its endpoint and its pages once it answers.

    If it is served already, that is left as it is, and the URL of its pages is empty.

    Args:
        ws: The workspace.
        folder: The project's folder.
        project: What is served, and where.
        teller: Told where it is.
        *options: Further options of `fettle serve`.
        ui_port: The port that the pages must have; None: the one in the settings, or the next free one.

    Raises:
        Unavailable: The endpoint does not come up, or a port that was asked for is in use.
    """
    pages = ""
    if services.running(ws) is None:
        check_free_port(ws, project)
        port = _port_of_pages(Settings.read(folder)["ui.port"]) if ui_port is None else ui_port
        if ui_port:
            services.check_port("127.0.0.1", ui_port)
        pages = f"http://127.0.0.1:{port}" if port else ""
        pid = services.detach(ws, folder, *options, "--ui-port", str(port))
        url = services.wait_ready(
            ws, project.name, alive=lambda: services.alive(pid) or services.running(ws) is not None
        )
    else:
        url = services.wait_ready(ws, project.name)
        if project.port and urlsplit(url).port != project.port:
            teller.say(
                f"It is served on its old port; `fettle down` and `fettle serve` move it to {project.port}."
            )
    teller.say(f"Serving {project.name} at {url}; `fettle status` shows it, `fettle down` stops it.")
    return url, pages


def _port_of_pages(wished: int) -> int:
    """The wished port, or the next free one: another project's pages may be there, and a model need not wait for it."""
    for port in range(wished, min(wished + PORTS_TRIED, 65_536)) if wished else ():
        try:
            services.check_port("127.0.0.1", port)
        except Unavailable:
            continue
        return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _has_versions(ws: Surface, model: str) -> bool:
    try:
        return bool(ws.call("registry.versions", model=model))
    except NotFound:
        return False
