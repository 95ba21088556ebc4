"""Where a command works: the options that every command shares, and the workspace and project they name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.core.config import Settings
    from fettle.projects.records import Project

SHARED = Group.create_ordered("Shared options", sort_key=9)


@Parameter(name="*", group=SHARED)
@dataclass(frozen=True)
class Place:
    """The options shared by all commands that touch a workspace."""

    workspace: Annotated[
        str | None,
        Parameter(
            name=["--workspace", "-w"],
            help="Folder, postgresql://… or https://… [default: .fettle/ here or above]",
        ),
    ] = None
    folder: Annotated[
        Path, Parameter(name=["--folder", "-C"], help="The project's folder.", show_default=False)
    ] = Path(".")
    json: Annotated[bool, Parameter(help="Print one JSON document on stdout.", negative="")] = False

    def settings(self, flags: Mapping[str, Any] | None = None) -> Settings:
        """The project's settings; `flags` are settings by key, given on the command line."""
        from fettle.core.config import Settings

        return Settings.read(self.folder, {"workspace": self.workspace, **(flags or {})})

    def create(self) -> Surface:
        """Open the workspace, making .fettle/ in the project's folder if none is named and none is there."""
        from fettle.workspace import Workspace

        settings = self.settings()
        if settings["workspace"]:
            return self.open()
        _allow_private(settings)
        return Workspace.create(self.folder)

    def open_or_create(self) -> Surface:
        """Open the workspace as `open` does; where none is named and none is here or above, make one in the folder."""
        from fettle.core.errors import NotFound

        try:
            return self.open()
        except NotFound:
            if self.settings()["workspace"]:
                raise
            return self.create()

    def project(self, flags: Mapping[str, Any] | None = None) -> Project:
        """The project that fettle.toml in the folder declares."""
        from fettle.projects.records import project_of

        return project_of(self.settings(flags), self.folder)

    def open(self) -> Surface:
        """Open the workspace: the flag, else FETTLE_WORKSPACE, else fettle.toml, else .fettle/ here or above."""
        from fettle.workspace import Workspace

        settings = self.settings()
        _allow_private(settings)
        return Workspace.open(settings["workspace"] or str(self.folder), token=settings["token"])


def _allow_private(settings: Settings) -> None:
    """Let this process and those it starts reach the private hosts that fettle.toml names; see `storage.outgoing`."""
    allowed = settings.value("outgoing.private")
    if allowed.origin == "fettle.toml":
        os.environ[allowed.setting.variable] = ",".join(allowed.value)
