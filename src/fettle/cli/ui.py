"""`fettle ui`: the pages, in the browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from fettle.cli.place import Place

if TYPE_CHECKING:
    from fettle.acts import Surface


def ui(
    *,
    port: Annotated[int | None, Parameter(help="Port of the pages; 0 for any free one.")] = None,
    browser: Annotated[
        bool | None, Parameter(help="Open the browser [default: at a terminal with a display].")
    ] = None,
    place: Place | None = None,
) -> None:
    """Serve the pages of this workspace until Ctrl-C and open them in the browser."""
    place = place or Place()
    with place.open() as workspace:
        wanted = _has_display() if browser is None else browser
        run_pages(workspace, port=place.settings({"ui.port": port})["ui.port"], browser=wanted)


def run_pages(workspace: Surface, *, port: int, browser: bool = False) -> None:
    """Serve the pages in this process; the URL is said once they answer.

    Raises:
        Invalid: The workspace is behind a server, which has its own pages.
        Unavailable: The port is in use.
    """
    from fettle.cli.output import say
    from fettle.core.errors import Invalid
    from fettle.server.run import run
    from fettle.workspace import Workspace

    if not isinstance(workspace, Workspace):
        raise Invalid(
            "This workspace is behind a server, which has pages of its own.",
            found=workspace.url,
            hint=f"Open {workspace.url} in the browser.",
        )

    def ready(url: str) -> None:
        say(f"Pages: {url}  (Ctrl-C stops them)")
        if browser:
            webbrowser.open(url)

    run(workspace, port=port, announce=ready)


def _has_display() -> bool:
    shown = sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    return shown and sys.stdout.isatty() and not os.environ.get("CI")
