"""Follow a thing back to where it came from and forward to what came of it.

Nothing is filled in by hand: runs name the data they read, versions name their run, pipeline run and dataset commit,
endpoints name the model and alias they serve. A record of another workspace, or one that is gone, is shown as unknown.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.data.acts import history
from fettle.data.acts import versions as data
from fettle.governance.records import Lineage, Link, Thing
from fettle.pipelines import acts as pipelines
from fettle.registry import acts as registry
from fettle.serving import acts as serving
from fettle.tracking.acts import runs as tracking

if TYPE_CHECKING:
    from fettle.acts import Context
    from fettle.data.records import Commit
    from fettle.registry.records import ModelVersion

KINDS = ("model", "run", "flow", "commit", "endpoint")

_MOST_PARENTS = 20


def trace(ctx: Context, subject: str) -> Lineage:
    """Walk from a thing in both directions.

    Args:
        ctx: The act's context.
        subject: `model:fraud@3`, `model:fraud` (its champion), `run:ID`, `flow:ID`, `commit:DATASET@ID` or
            `endpoint:NAME`.

    Raises:
        Invalid: The subject has another form.
        NotFound: There is no such thing.
    """
    kind, _, name = subject.partition(":")
    walk = _Walk(ctx)
    starts: dict[str, Callable[[str], str]] = {
        "model": walk.model,
        "run": walk.run,
        "flow": walk.flow,
        "commit": walk.commit,
        "dataset": walk.commit,
        "endpoint": walk.endpoint,
    }
    if kind not in starts or not name:
        raise Invalid(
            f"{subject!r} names nothing that has a lineage.",
            found=f"the kind {kind!r}",
            hint="Use model:NAME@VERSION, run:ID, flow:ID, commit:DATASET@ID or endpoint:NAME.",
        )
    focus = starts[kind](name)
    return Lineage(focus=focus, things=list(walk.things.values()), links=list(walk.links))


class _Walk:
    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.things: dict[str, Thing] = {}
        self.links: dict[Link, None] = {}

    def model(self, name: str) -> str:
        model, _, version = name.partition("@")
        if version and not version.isdigit():
            return self._version(registry.alias(self._ctx, model, version))
        if not version:
            return self._version(registry.alias(self._ctx, model))
        return self._version(registry.show(self._ctx, model, int(version)))

    def run(self, run: str) -> str:
        shown = tracking.show(self._ctx, run)
        focus = self._add(
            f"run:{run}", shown.name, shown.started_at, experiment=shown.experiment, status=shown.status
        )
        self._run_back(focus, shown.inputs, shown.parent)
        for version in registry.made_from(self._ctx, run_id=run):
            self._version(version)
        return focus

    def flow(self, flow: str) -> str:
        focus = self._flow(flow)
        for version in registry.made_from(self._ctx, flow_id=flow):
            self._version(version)
        return focus

    def commit(self, ref: str) -> str:
        found = data.show(self._ctx, ref)
        focus = self._commit(found)
        for version in registry.made_from(self._ctx, dataset_commit=found.id):
            self._version(version)
        for made in history.derived(self._ctx, found.ref):
            self._commit(made)
        for run in tracking.using(self._ctx, found.id):
            self._link(
                focus, self._add(f"run:{run.id}", run.name, run.started_at, status=run.status), "was read by"
            )
        return focus

    def endpoint(self, name: str) -> str:
        shown = serving.show(self._ctx, name)
        focus = self._add(f"endpoint:{name}", name, shown.deployed_at, model=shown.model, alias=shown.alias)
        with contextlib.suppress(NotFound):  # its alias points nowhere
            self._version(registry.alias(self._ctx, shown.model, shown.alias))
        return focus

    def _version(self, version: ModelVersion) -> str:
        """A version with everything behind it, and the endpoints before it."""
        focus = f"model:{version.model}@{version.version}"
        if focus in self.things:
            return focus
        self._add(
            focus,
            f"{version.model} {version.version}",
            version.at,
            aliases=", ".join(version.aliases),
            bundle=version.bundle,
            status=version.status,
        )
        if version.flow_id:
            self._link(
                self._known(f"flow:{version.flow_id}", lambda: self._flow(version.flow_id or "")),
                focus,
                "made",
            )
        if version.run_id:
            self._link(
                self._known(f"run:{version.run_id}", lambda: self._run(version.run_id or "")), focus, "made"
            )
        if version.dataset_commit:
            self._trained_on(version, focus)
        if version.parent_version is not None:
            parent = f"model:{version.model}@{version.parent_version}"
            self._add(parent, f"{version.model} {version.parent_version}", None)
            self._link(parent, focus, "was replaced by")
        self._forward(version, focus)
        return focus

    def _trained_on(self, version: ModelVersion, focus: str) -> None:
        ref = (
            f"{version.dataset}@{version.dataset_commit}" if version.dataset else str(version.dataset_commit)
        )
        self._link(self._input(ref), focus, "trained")

    def _forward(self, version: ModelVersion, focus: str) -> None:
        for endpoint in serving.endpoints(self._ctx):
            live = [worker for worker in endpoint.workers if worker.version == version.version]
            if endpoint.model != version.model or not (live or endpoint.alias in version.aliases):
                continue
            name = self._add(
                f"endpoint:{endpoint.name}",
                endpoint.name,
                endpoint.deployed_at,
                alias=endpoint.alias,
                requests=str(sum(worker.requests for worker in live)),
                rows=str(sum(worker.rows for worker in live)),
            )
            self._link(focus, name, "is served by")

    def _run(self, run: str) -> str:
        shown = tracking.show(self._ctx, run)
        name = self._add(
            f"run:{run}", shown.name, shown.started_at, experiment=shown.experiment, status=shown.status
        )
        self._run_back(name, shown.inputs, shown.parent)
        return name

    def _run_back(self, run: str, inputs: list[str], parent: str | None) -> None:
        for ref in inputs:
            self._link(self._input(ref), run, "was read by")
        if parent:
            self._link(self._known(f"run:{parent}", lambda: self._run(parent)), run, "began")

    def _input(self, ref: str) -> str:
        return self._known(f"commit:{ref}", lambda: self._commit(data.show(self._ctx, ref)))

    def _flow(self, flow: str) -> str:
        shown = pipelines.show(self._ctx, flow)
        return self._add(
            f"flow:{flow}", shown.name, shown.started_at, status=shown.status, steps=str(len(shown.steps))
        )

    def _commit(self, commit: Commit) -> str:
        """A commit, its source, and the commits before it."""
        focus = ""
        later = ""
        for each in [commit, *self._parents(commit)]:
            name = f"commit:{each.dataset}@{each.id}"
            known = name in self.things
            self._add(
                name, f"{each.dataset}@{each.id[:8]}", each.at, rows=str(each.rows), message=each.message
            )
            source = each.source.digest or each.source.name
            if source:
                self._add(
                    f"source:{source}", each.source.name, each.source.modified_at, kind=each.source.kind
                )
                self._link(f"source:{source}", name, "was read into")
            for ref in each.metadata.get(history.MADE_FROM, "").split():
                self._link(self._input(ref), name, "was made into")
            if later:
                self._link(name, later, "came before")
            focus, later = focus or name, name
            if known:
                break
        return focus

    def _parents(self, commit: Commit) -> list[Commit]:
        parents: list[Commit] = []
        while commit.parent and len(parents) < _MOST_PARENTS:
            try:
                commit = data.show(self._ctx, f"{commit.dataset}@{commit.parent}")
            except NotFound:
                break
            parents.append(commit)
        return parents

    def _known(self, name: str, add: Callable[[], str]) -> str:
        """What `add` adds, or an unknown thing where the record is not here."""
        if name in self.things:
            return name
        try:
            return add()
        except FettleError:
            return self._add(name, f"{name.partition(':')[2][:20]} (no record here)", None, known="no")

    def _add(self, name: str, label: str, at: datetime | None, **detail: str) -> str:
        facts = {key: value for key, value in detail.items() if value}
        thing = Thing(name, name.partition(":")[0], label, at, facts)
        if name not in self.things or self.things[name].at is None:
            self.things[name] = thing
        return name

    def _link(self, source: str, target: str, relation: str) -> None:
        self.links[Link(source, target, relation)] = None
