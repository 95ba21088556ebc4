"""The nouns of pipelines."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

FlowStatus = Literal["running", "finished", "failed", "killed"]
StepStatus = Literal["running", "finished", "reused", "failed"]


class Ingredient(msgspec.Struct, frozen=True, array_like=True):
    """One thing a step's result depends on.

    Attributes:
        digest: Names its content.
        shown: A short form for people; may be empty.
    """

    digest: str
    shown: str = ""


class Read(msgspec.Struct, frozen=True, array_like=True):
    """A file or folder that a step was seen to read.

    Attributes:
        path: Relative where it was below the working directory.
        kind: `file`, `folder` (its names) or `tree` (its names and contents).
        digest: What was there at that moment; empty for nothing.
    """

    path: str
    kind: Literal["file", "folder", "tree"]
    digest: str


class Change(msgspec.Struct, frozen=True):
    """What differs between a step and the earlier time it is compared with.

    Attributes:
        what: Such as `code:model.clean`, `parameter:lr`, `library:numpy`, `file:data.csv`.
        before: Short form of what it was; empty if it was not there.
        after: Short form of what it is.
    """

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before or not self.after or self.before == self.after:
            return (
                f"{self.what} {'is new' if not self.before else 'is gone' if not self.after else 'changed'}"
            )
        return f"{self.what}: {self.before} → {self.after}"


class Why(msgspec.Struct, frozen=True):
    """Why a step ran or did not.

    Attributes:
        step: Its name.
        status: What happened to it.
        since: When the result it is compared with was made; None if there is no earlier one.
        changes: What differs from that; empty when the result was reused.
    """

    step: str
    status: StepStatus
    since: datetime | None
    changes: list[Change]

    def __str__(self) -> str:
        if self.status == "reused":
            return (
                f"{self.step} was reused: nothing it depends on changed since {self.since:%Y-%m-%d %H:%M:%S}."
            )
        if self.since is None:
            return f"{self.step} ran: it has no earlier result in this pipeline."
        return "\n".join(
            [f"{self.step} ran:", *(f"  {each}" for each in self.changes or ["nothing changed"])]
        )


class Result(msgspec.Struct, frozen=True):
    """A step's output with everything that says when it may be used again.

    Attributes:
        id: Sorts by time.
        key: Digest of all ingredients.
        pipeline: The pipeline's name.
        step: The step's name.
        flow: The pipeline run that made it.
        at: When.
        output: Where the value is; see `artifacts`.
        digest: Names the value.
        size_bytes: Its length in store.
        reads: Files to look at again before it is reused.
        ingredients: What the key is made of.
    """

    id: str
    key: str
    pipeline: str
    step: str
    flow: str
    at: datetime
    output: dict[str, Any]
    digest: str
    size_bytes: int
    reads: list[Read]
    ingredients: dict[str, Ingredient]


class Earlier(msgspec.Struct, frozen=True):
    """What an earlier result of a step was made from, to hold a new key against.

    Attributes:
        at: When it was made.
        reads: Files it read.
        ingredients: What its key was made of.
    """

    at: datetime
    reads: list[Read]
    ingredients: dict[str, Ingredient]


class Found(msgspec.Struct, frozen=True):
    """What is known about a step that is about to run.

    Attributes:
        results: Made under the same key, newest first: usable if their files are unchanged.
        earlier: The newest results of other runs under any key; only if none has the same.
    """

    results: list[Result]
    earlier: list[Earlier]


class StepRun(msgspec.Struct, frozen=True):
    """One step of one pipeline run.

    Attributes:
        seq: Its place in the run, from 0.
        name: The step's name.
        status: `running`, `finished`, `reused` or `failed`.
        key: Digest of all it depends on.
        started_at: When.
        seconds: How long it took; for a reused one, how long the look-up took.
        after: Places of the steps whose outputs it took.
        digest: Names its output.
        size_bytes: Its output's length in store.
        pickled: True when a part of the output could only be kept as a pickle.
        made_by: For a reused one, the pipeline run that made the output.
        error: What went wrong, for a failed one.
        since: When the result it was compared with was made.
        changes: What differed from that.
    """

    seq: int
    name: str
    status: StepStatus
    key: str
    started_at: datetime
    seconds: float = 0.0
    after: list[int] = []
    digest: str = ""
    size_bytes: int = 0
    pickled: bool = False
    made_by: str | None = None
    error: str = ""
    since: datetime | None = None
    changes: list[Change] = []


class FlowRun(msgspec.Struct, frozen=True):
    """One run of a pipeline.

    Attributes:
        id: Sorts by time.
        name: The pipeline's name.
        status: `running`, `finished`, `failed`, or `killed`: its process went away.
        author: Who started it.
        started_at: When.
        ended_at: When it ended; None while it runs.
        steps: Its steps in order; only in `pipelines.show`.
        counts: How many steps have each status.
    """

    id: str
    name: str
    status: FlowStatus
    author: str
    started_at: datetime
    ended_at: datetime | None = None
    steps: list[StepRun] = []
    counts: dict[str, int] = {}
