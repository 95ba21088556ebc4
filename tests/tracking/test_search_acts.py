"""Search, table and group as acts; numbers against scipy."""

from __future__ import annotations

import pytest
from scipy import stats

from fettle.core.errors import Conflict, Invalid
from fettle.workspace import Workspace


@pytest.fixture
def seeds(workspace: Workspace) -> Workspace:
    tracking = workspace.tracking
    for model, offset in (("tree", 0.7), ("net", 0.8)):
        for seed in range(5):
            run = tracking.start(
                "churn", f"{model} {seed}", params={"model": model, "seed": seed}, tags={"by": "ada"}
            )
            value = offset + 0.01 * (seed * seed % 7)
            tracking.log(
                run.id, [{"key": "accuracy", "value": value}, {"key": "f1/macro", "value": value / 2}]
            )
    tracking.start("churn", "no metric", params={"model": "net"})
    lost = tracking.start("other", "nan")
    tracking.log(lost.id, [{"key": "accuracy", "value": "NaN"}])
    return workspace


def test_pages_of_a_search_hold_complete_runs(seeds: Workspace) -> None:
    search = seeds.tracking.search
    page = search('params.model = "tree" and metrics.accuracy > 0.7', order_by=["-metrics.accuracy"], limit=2)
    rest = search(
        'params.model = "tree" and metrics.accuracy > 0.7', order_by=["-metrics.accuracy"], cursor=page.next
    )
    values = [run.metrics["accuracy"] for run in [*page.runs, *rest.runs]]
    assert values == sorted(values, reverse=True)
    assert (len(page.runs), len(rest.runs), rest.next) == (2, 2, None)
    assert page.runs[0].tags == {"by": "ada"}
    assert page.runs[0].params["model"] == "tree"
    assert [run.name for run in search(experiments=["other"]).runs] == ["nan"]
    assert search(experiments=[]).runs == []
    assert [run.name for run in seeds.tracking.runs(where="metrics.accuracy = nan")] == ["nan"]
    assert len(search("params.model = 'tree'", dialect="mlflow").runs) == 5
    with pytest.raises(Invalid, match="character 8"):
        search("metrics.")
    with pytest.raises(Invalid, match="so long"):
        search(limit=10**6)


def test_archived_and_deleted_runs_come_only_when_asked(seeds: Workspace) -> None:
    tracking = seeds.tracking
    first, second = tracking.runs("churn", limit=2)
    tracking.archive(first.id)
    tracking.delete(second.id)
    assert len(tracking.search(experiments=["churn"]).runs) == 9
    assert [run.id for run in tracking.search("archived").runs] == [first.id]
    assert [run.id for run in tracking.search(deleted=True).runs] == [second.id]
    assert [run.id for run in tracking.runs(archived=True)] == [first.id]
    assert len(tracking.search(experiments=["churn"], archived=None, deleted=None).runs) == 11
    assert [run.id for run in tracking.runs_of([second.id, "nobody", first.id])] == [second.id, first.id]
    with pytest.raises(Conflict, match="bin"):
        tracking.archive(second.id)
    assert tracking.unarchive(first.id).archived_at is None


def test_notes_and_inputs_are_found(seeds: Workspace) -> None:
    tracking = seeds.tracking
    run = tracking.runs("churn", limit=1)[0]
    assert tracking.note(run.id, "# A *strange* one").notes == "# A *strange* one"
    assert [each.id for each in tracking.runs(where='words "STRANGE"')] == [run.id]
    assert tracking.use(run.id, ["churn@v3", "churn@v3", "other@v1"]).inputs == ["churn@v3", "other@v1"]
    assert tracking.use(run.id, ["other@v1", "third@v1"]).inputs == ["churn@v3", "other@v1", "third@v1"]
    assert [each.id for each in tracking.runs(where='dataset = "churn@v3" and dataset = "third"')] == [run.id]
    with pytest.raises(Invalid, match="too long"):
        tracking.note(run.id, "x" * (1 << 20 | 1))


def test_a_parameter_may_be_null(workspace: Workspace) -> None:
    run = workspace.tracking.start("churn", params={"depth": None, "text": "None"})
    assert run.params == {"depth": None, "text": "None"}
    found = workspace.tracking.runs(
        where="params.depth is null and params.text is not null and not params.depth = 'None'"
    )
    assert [each.id for each in found] == [run.id]


def test_what_lies_too_far_is_refused(workspace: Workspace) -> None:
    for bad in ({"offset": 10**30}, {"limit": 10**30}, {"where": "started_at > '999999 weeks ago'"}):
        with pytest.raises(Invalid):
            workspace.call("tracking.search", **bad)
    for bad in ({"where": "attributes.artifact_uri = 'x'"}, {"order_by": ["attributes.artifact_uri"]}):
        with pytest.raises(Invalid, match="artifact_uri"):
            workspace.call("tracking.search", dialect="mlflow", **bad)


def test_a_table_has_a_column_for_each_field(seeds: Workspace) -> None:
    table = seeds.tracking.table(
        [
            "name",
            "params.seed",
            "metrics.accuracy",
            "metrics.accuracy.count",
            "tags.by",
            "archived",
            "duration",
        ],
        order_by=["name"],
    )
    assert table.columns[0] == [
        "nan",
        *(f"net {n}" for n in range(5)),
        "no metric",
        *(f"tree {n}" for n in range(5)),
    ]
    assert table.columns[1] == [None, 0, 1, 2, 3, 4, None, 0, 1, 2, 3, 4]
    assert table.columns[2][:3] == ["NaN", 0.8, 0.81]
    assert table.columns[3] == [1] * 6 + [None] + [1] * 5
    assert table.columns[4][5:8] == ["ada", None, "ada"]
    assert set(table.columns[5]) == {False}
    assert set(table.columns[6]) == {None}
    part = seeds.tracking.table(["name"], order_by=["name"], limit=7)
    assert seeds.tracking.table(["name"], order_by=["name"], cursor=part.next).columns == [
        table.columns[0][7:]
    ]


def test_groups_sum_up_seeds_as_scipy_does(seeds: Workspace) -> None:
    groups = seeds.tracking.group(
        ["params.model"], metrics=["accuracy", "metrics.f1/macro.max"], experiments=["churn"]
    )
    assert [(each.by["params.model"], each.metric, each.runs, each.count) for each in groups] == [
        ("net", "accuracy", 6, 5),
        ("net", "metrics.f1/macro.max", 6, 5),
        ("tree", "accuracy", 5, 5),
        ("tree", "metrics.f1/macro.max", 5, 5),
    ]
    values = [0.7 + 0.01 * (seed * seed % 7) for seed in range(5)]
    tree = groups[2]
    expected = stats.describe(values)
    low, high = stats.t.interval(0.95, 4, loc=expected.mean, scale=stats.sem(values))
    assert tree.mean == pytest.approx(expected.mean, rel=1e-12)
    assert tree.std == pytest.approx(expected.variance**0.5, rel=1e-12)
    assert (tree.low95, tree.high95) == (pytest.approx(low, rel=1e-12), pytest.approx(high, rel=1e-12))
    assert (tree.median, tree.low, tree.high) == (sorted(values)[2], min(values), max(values))
    assert tree.best is not None
    assert seeds.tracking.show(tree.best).metrics["accuracy"] == max(values)
    least = seeds.tracking.group(["params.model"], metrics=["accuracy"], experiments=["churn"], best="least")
    assert [each.by["params.model"] for each in least] == ["tree", "net"]


def test_a_group_of_one_has_no_spread_and_one_of_none_no_mean(seeds: Workspace) -> None:
    single, without = seeds.tracking.group(
        ["name"], metrics=["accuracy"], where='name in ("net 1", "no metric")'
    )
    assert (single.count, single.std, single.low95, single.mean) == (1, None, None, 0.81)
    assert (without.runs, without.count, without.mean, without.best) == (1, 0, None, None)


def test_fields_that_no_run_has_are_named_where_nothing_is_found(seeds: Workspace) -> None:
    search = seeds.tracking.search
    assert search("metrics.accurracy > 0 and params.zzz = 1").unknown == [
        "no run has metrics.accurracy; did you mean metrics.accuracy?",
        "no run has params.zzz",
    ]
    assert search("tags.`q q` = 'x' and metrics.accuracy > 9").unknown == ["no run has tags.`q q`"]
    for where in (
        "metrics.accuracy > 9",
        "metrics.zzz > 1 or params.model = 'tree'",
        "tags.git.commit = 'a'",
    ):
        assert search(where).unknown == []


def test_what_is_said_apart_is_said_so(seeds: Workspace) -> None:
    for where, hint in (
        ("status = 'failed' order by name", "order_by"),
        ("status = 'failed' limit 3", "limit=10"),
        ("status = 'failed' an name = 'x'", "mean 'and'"),
        ("metric accuracy > 3", "metric.KEY"),
    ):
        with pytest.raises(Invalid) as caught:
            seeds.tracking.search(where)
        assert hint in caught.value.hint
