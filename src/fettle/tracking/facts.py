"""What a run can be told besides points and files: parameters, tags, notes, inputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.tracking import given
from fettle.tracking.names import MOST_NOTE, check_values
from fettle.tracking.values import changed, plains, texts

if TYPE_CHECKING:
    from fettle.acts import Surface


class Facts(ABC):
    """The methods of a run that tell facts about it."""

    id: str
    workspace: Surface
    _params: dict[str, Any]

    @abstractmethod
    def tell(self, act: str, /, **arguments: Any) -> None:
        """Have an act called about this run."""

    @property
    @abstractmethod
    def _reachable(self) -> bool:
        """Whether the workspace can be asked, as far as is known."""

    def log_params(self, params: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Add parameters: `run.log_params(lr=0.1)`, `run.log_params({"model.depth": 3})`.

        Raises:
            Conflict: One has another value already: a parameter never changes.
        """
        new = changed(self.id, self._params, plains({**given.named("parameter", params), **more}))
        check_values("parameter", new)
        if new:
            self.tell("tracking.set", run=self.id, params=new)
            self._params.update(new)

    def log_param(self, key: str, value: Any) -> None:
        """Add one parameter."""
        self.log_params({key: value})

    def tag(self, tags: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Set tags: `run.tag(stage="trial")`, `run.tag({"git.commit": …})`; a tag that is there is replaced."""
        new = texts({**given.named("tag", tags), **more})
        check_values("tag", new)
        if new:
            self.tell("tracking.set", run=self.id, tags=new)

    def set(self, params: Mapping[str, Any] | None = None, tags: Mapping[str, Any] | None = None) -> None:
        """Add parameters (which never change) and set tags (which may)."""
        self.log_params(params)
        self.tag(tags)

    def note(self, markdown: str) -> None:
        """Write about the run, in Markdown; replaces what was written before."""
        self.tell("tracking.note", run=self.id, notes=given.text("A note", markdown, most=MOST_NOTE))

    def data(self, *references: str) -> str:
        """Record what the run reads: `rows = fettle.data(run.data("churn@v3"))`.

        Args:
            *references: Datasets, each `name@version`.

        Returns:
            The first of them as it is recorded: with its commit, if the workspace can tell which.
        """
        pinned = [self._pinned(each) for each in given.texts("What a run reads", references)]
        if pinned:
            self.tell("tracking.use", run=self.id, inputs=pinned)
        return pinned[0] if pinned else ""

    def _pinned(self, reference: str) -> str:
        if self._reachable:
            with suppress(NotFound, Invalid, Unavailable):
                return str(self.workspace.call("data.show", ref=reference).ref)
        return reference
