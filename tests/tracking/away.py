"""A workspace whose network can be cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fettle.core.errors import Unavailable
from fettle.workspace import Workspace


class Cut:
    """Blobs of a workspace whose network is cut while it is away."""

    def __init__(self, line: Line, inner: Any) -> None:
        self._line = line
        self._inner = inner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self._line.require()
            return getattr(self._inner, name)(*args, **named)

        return call


class Line:
    """A workspace whose network is cut while `away` is set, or after `calls` more acts; all else is the real one."""

    def __init__(self, workspace: Workspace, *, away: bool = False) -> None:
        self.inner = workspace
        self.away = away
        self.calls: int | None = None
        self.folder, self.clock, self.url = workspace.folder, workspace.clock, workspace.url
        self.blobs = Cut(self, workspace.blobs)

    def require(self) -> None:
        if self.away:
            raise Unavailable("The server does not answer.")

    def call(self, name: str, /, **arguments: Any) -> Any:
        if self.calls is not None:
            self.away = self.calls <= 0
            self.calls -= 1
        self.require()
        return self.inner.call(name, **arguments)
