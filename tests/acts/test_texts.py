from __future__ import annotations

import pytest

from fettle.core.errors import Invalid
from fettle.workspace import Workspace


@pytest.mark.parametrize("bad", ["a\0b", "a\ud800", "ü\udfff"])
def test_what_not_every_database_can_keep_is_refused(workspace: Workspace, bad: str) -> None:
    run = workspace.tracking.start("churn").id
    for name, given in (
        ("tracking.set", {"run": run, "tags": {"a": bad}}),
        ("tracking.set", {"run": run, "params": {"a": {"b": [1, bad]}}}),
        ("tracking.set", {"run": run, "tags": {bad: "a"}}),
        ("tracking.note", {"run": run, "notes": bad}),
        ("tracking.show", {"run": bad}),
    ):
        with pytest.raises(Invalid):
            workspace.call(name, **given)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_numbers_beyond_64_bits_are_refused(workspace: Workspace, number: int) -> None:
    with pytest.raises(Invalid):
        workspace.tracking.experiment(number=number)
    with pytest.raises(Invalid):
        workspace.registry.show("fraud", number)
