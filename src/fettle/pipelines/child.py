"""Run a step in a child process, and bring home what it returned and what it read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fettle.execution import ProcessExecutor
from fettle.pipelines.reads import Recorder
from fettle.pipelines.records import Read
from fettle.pipelines.steps import Step


def run(
    work: Callable[..., Any],
    args: list[Any],
    kwargs: dict[str, Any],
    mentions: Iterable[str],
    step: Step[..., Any],
    private: tuple[str, ...],
) -> tuple[Any, list[Read]]:
    """Run `work` in a child process of its own.

    Raises:
        WorkKilled: The child is gone.
        WorkTimedOut: It took longer than the step's time limit.
        Invalid: The function or an argument cannot be sent there.
    """
    with ProcessExecutor(workers=1) as executor:
        task = executor.submit(
            observed, work, args, kwargs, sorted(mentions), step.reads, private, timeout_s=step.timeout_s
        )
        return task.result()


def observed(
    work: Callable[..., Any],
    args: list[Any],
    kwargs: dict[str, Any],
    mentions: list[str],
    patterns: tuple[str, ...],
    private: tuple[str, ...],
) -> tuple[Any, list[Read]]:
    """What runs in the child."""
    with Recorder(private) as recorder:
        recorder.mention(mentions, patterns)
        value = work(*args, **kwargs)
    return value, recorder.reads()
