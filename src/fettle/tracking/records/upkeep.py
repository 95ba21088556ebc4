"""What keeps a tracking store small: quotas, pins, and what a collection took."""

from __future__ import annotations

import msgspec


class Quota(msgspec.Struct, frozen=True):
    """What an experiment may hold, and what it holds.

    A quota stops new runs and files; what a run that has begun logs is never refused.

    Attributes:
        experiment: Its name.
        most_runs: Runs that are not in the bin; None is no limit.
        most_points: Points of metrics.
        most_bytes: Bytes of files.
        runs: How many there are.
        points: How many there are.
        size_bytes: How many there are.
    """

    experiment: str
    most_runs: int | None = None
    most_points: int | None = None
    most_bytes: int | None = None
    runs: int = 0
    points: int = 0
    size_bytes: int = 0

    @property
    def exceeded(self) -> list[str]:
        """What is used up, in words."""
        pairs = (
            (self.runs, self.most_runs, "runs"),
            (self.points, self.most_points, "points"),
            (self.size_bytes, self.most_bytes, "bytes"),
        )
        return [
            f"{used:,} of {most:,} {what}" for used, most, what in pairs if most is not None and used >= most
        ]


class Removable(msgspec.Struct, frozen=True):
    """A run in the bin that a collection would take.

    Attributes:
        run: Its id.
        name: Its name.
        experiment: Its experiment.
        points: Points that go with it.
        size_bytes: Bytes of its files, and of those of its models and traces; what others have too stays.
        held_by: What was made from it and keeps it, such as `model:fraud/3`; empty if it may go.
        traces: Traces that go with it.
    """

    run: str
    name: str
    experiment: str
    points: int
    size_bytes: int
    held_by: list[str] = []
    traces: int = 0


class RemovableExperiment(msgspec.Struct, frozen=True):
    """An experiment in the bin that a collection would take after its runs.

    Attributes:
        name: Its name.
        number: Its number.
        traces: Traces that belong to none of its runs.
        models: Logged models that belong to none of its runs.
        size_bytes: Bytes of their files.
    """

    name: str
    number: int
    traces: int = 0
    models: int = 0
    size_bytes: int = 0


class RemovableBeside(msgspec.Struct, frozen=True):
    """What a collection would take beside runs in the bin.

    Attributes:
        experiments: Experiments in the bin.
        models: Logged models that were deleted by themselves.
        size_bytes: Bytes of those models' files.
    """

    experiments: list[RemovableExperiment]
    models: int
    size_bytes: int


class PurgedExperiments(msgspec.Struct, frozen=True):
    """What one batch of a collection took after the runs.

    Attributes:
        experiments: Names of experiments of which nothing is left.
        traces: Traces that went.
    """

    experiments: list[str]
    traces: int


class Purged(msgspec.Struct, frozen=True):
    """What one batch of a collection took.

    Attributes:
        runs: Ids of runs that are gone.
        points: Points that went.
        traces: Traces that went.
    """

    runs: list[str]
    points: int
    traces: int = 0


class CollectedRuns(msgspec.Struct, frozen=True):
    """What a collection took, or would take.

    Attributes:
        dry_run: True if nothing was taken.
        runs: Runs.
        points: Their points.
        size_bytes: Bytes of their files.
        objects: Objects that were removed; of a dry run 0.
        held: Runs that stay because something was made from them, with what.
        traces: Traces, of those runs and experiments.
        experiments: Experiments in the bin.
        models: Logged models that were deleted by themselves or go with their experiment.
    """

    dry_run: bool
    runs: int
    points: int
    size_bytes: int
    objects: int
    held: list[str] = []
    traces: int = 0
    experiments: int = 0
    models: int = 0

    def lines(self) -> list[str]:
        """What a person is told."""
        verb = "would go" if self.dry_run else "are gone"
        told = [
            f"{self.runs:,} runs with {self.points:,} points and {self.size_bytes:,} bytes of files {verb}."
        ]
        beside = ((self.experiments, "experiments"), (self.traces, "traces"), (self.models, "models"))
        told += [f"{count:,} {what} {verb}." for count, what in beside if count]
        if not self.dry_run:
            told.append(f"{self.objects:,} objects were removed from the store.")
        told += [f"  stays: {each}" for each in self.held[:20]]
        if self.dry_run and (self.runs or any(count for count, _ in beside)):
            told.append("Take them: fettle tracking gc --no-dry-run")
        return told
