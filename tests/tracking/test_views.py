from __future__ import annotations

import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.workspace import Workspace


def test_a_view_is_saved_replaced_listed_and_dropped(workspace: Workspace) -> None:
    tracking = workspace.tracking
    tracking.start("churn")
    made = tracking.save_view(
        "best",
        "churn",
        where="metrics.loss < 0.3",
        order_by=["-metrics.loss"],
        columns=["params.lr"],
        charts={"x": "step"},
    )
    assert (made.experiment, made.charts) == ("churn", {"x": "step"})
    tracking.save_view("best", "churn", where="metrics.loss < 0.2")
    tracking.save_view("mine", where='author = "me"')
    tracking.save_view("best")
    assert [(each.experiment, each.name) for each in tracking.views("churn")] == [
        ("", "best"),
        ("", "mine"),
        ("churn", "best"),
    ]
    assert [each.where for each in tracking.views() if each.experiment] == ["metrics.loss < 0.2"]
    tracking.drop_view("best", "churn")
    assert [(each.experiment, each.name) for each in tracking.views("churn")] == [("", "best"), ("", "mine")]
    with pytest.raises(NotFound) as refused:
        tracking.drop_view("min")
    assert "'mine'" in refused.value.hint


def test_what_cannot_be_searched_or_shown_is_not_saved(workspace: Workspace) -> None:
    tracking = workspace.tracking
    with pytest.raises(Invalid, match="character 14"):
        tracking.save_view("v", where="metrics.loss 3")
    with pytest.raises(Invalid, match="sorted"):
        tracking.save_view("v", order_by=["los"])
    with pytest.raises(Invalid, match="mistake"):
        tracking.save_view("v", columns=["param"])
    with pytest.raises(Invalid, match="too long"):
        tracking.save_view("v", charts={"x": "y" * 300_000})
    with pytest.raises(NotFound):
        tracking.save_view("v", "nowhere")
    assert tracking.views() == []
