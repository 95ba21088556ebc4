"""`fettle serve`: endpoint, keeper and pages, each its own process, watched and restarted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from fettle.cli.place import Place

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.projects.records import Project


def serve(
    *,
    only: Annotated[
        Literal["endpoint", "keeper", "pages", "worker"] | None,
        Parameter(help="Run one part here, in this process."),
    ] = None,
    port: Annotated[int | None, Parameter(help="Port of the endpoint; 0 for any free one.")] = None,
    ui_port: Annotated[int | None, Parameter(help="Port of the pages; 0 for any free one.")] = None,
    detach: Annotated[
        bool, Parameter(help="Go on in the background; `fettle down` stops it.", negative="")
    ] = False,
    place: Place | None = None,
) -> None:
    """Serve this project: the endpoint answers, the keeper watches and retrains, the pages show it.

    A part that dies is started again. Ctrl-C, or `fettle down` from elsewhere, stops all of them; a request that
    was begun is finished.
    """
    from fettle.cli.teller import teller
    from fettle.projects import services

    place = place or Place()
    flags = {"serve.port": port, "ui.port": ui_port}
    with place.open() as workspace:
        if only is not None:
            services.follow_parent()
            _PARTS[only](workspace, place, flags)
        elif detach:
            _detach(workspace, place, flags)
        else:
            _check(workspace, place, flags)
            words = _options(port, ui_port)
            services.supervise(
                workspace, place.folder, services.KINDS, *words, teller=teller(quiet=place.json)
            )


def _check(workspace: Surface, place: Place, flags: dict[str, Any]) -> Project:
    """Make sure, before processes are started that would say it in a log only, that the project can be served.

    Raises:
        NotFound: It has no endpoint yet.
        Conflict: It is being served already.
        Unavailable: A port is in use.
    """
    from fettle.core.errors import Conflict, NotFound
    from fettle.projects import services

    project = place.project(flags)
    try:
        workspace.call("serving.show", endpoint=project.name)
    except NotFound as error:
        raise NotFound(
            f"There is no model of {project.name!r} to serve yet.",
            found=f"no endpoint {project.name!r} in {workspace.url}",
            hint="`fettle run` makes one from what fettle.toml says.",
        ) from error
    if (roll := services.running(workspace)) is not None:
        raise Conflict(
            "This project is being served already.",
            found=f"process {roll.supervisor}",
            hint="`fettle status` shows it, `fettle down` stops it.",
        )
    for host, wanted in ((project.host, project.port), ("127.0.0.1", flags["ui.port"])):
        if wanted:
            services.check_port(host, wanted)
    return project


def _detach(workspace: Surface, place: Place, flags: dict[str, Any]) -> None:
    from fettle.cli.output import emit
    from fettle.cli.teller import teller
    from fettle.projects import up

    project = _check(workspace, place, flags)
    url, pages = up.serve_detached(
        workspace,
        place.folder,
        project,
        teller(quiet=place.json),
        *_options(flags["serve.port"], None),
        ui_port=flags["ui.port"],
    )
    emit({"endpoint": url, "pages": pages}, as_json=place.json)


def _options(port: int | None, ui_port: int | None) -> list[str]:
    """The same options again, as words for the processes that are started."""
    given = {"--port": port, "--ui-port": ui_port}
    return [word for name, value in given.items() if value is not None for word in (name, str(value))]


def _endpoint(workspace: Surface, place: Place, flags: dict[str, Any]) -> None:
    from fettle.cli.output import say
    from fettle.serving import endpoint

    project = place.project(flags)
    endpoint.serve(
        workspace,
        project.name,
        host=project.host,
        port=project.port,
        ack=project.ack,
        announce=say,
    )


def _keeper(workspace: Surface, place: Place, flags: dict[str, Any]) -> None:
    from fettle.cli.teller import teller
    from fettle.projects import keeper

    keeper.keep(workspace, place.folder, place.project(flags), teller=teller())


def _pages(workspace: Surface, place: Place, flags: dict[str, Any]) -> None:
    from fettle.cli.ui import run_pages

    run_pages(workspace, port=place.settings(flags)["ui.port"])


def _worker(workspace: Surface, place: Place, flags: dict[str, Any]) -> None:
    """The keeper's training process: jobs come on stdin, answers go to stdout, so nothing else is printed there."""
    from fettle.projects import retrain, worker

    answers = sys.stdout.buffer
    sys.stdout = sys.stderr
    worker.work(sys.stdin.buffer, answers, retrain.works(workspace, place.project(flags)), retrain.warm)


_PARTS = {"endpoint": _endpoint, "keeper": _keeper, "pages": _pages, "worker": _worker}
