"""Commands derived from acts: every act has one, with its arguments, types and help, and it really acts."""

import inspect
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from fettle.cli.app import run
from fettle.cli.rooms import command_of, is_plain, read_json, summary_of
from fettle.core.errors import Invalid
from fettle.workspace import Workspace, catalog
from fettle.workspace.rooms import ROOMS
from tests.bundles import kept

ACTS = list(catalog())


@pytest.fixture
def bundle(home: Path) -> str:
    """The digest of a bundle that is kept in the workspace of the home folder."""
    with Workspace.create(home) as ws:
        return kept(ws.blobs, 1)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_every_act_is_a_command_with_its_parameters(act, capsys):
    assert run([act.room, act.verb.replace("_", "-"), "--help"]) == 0
    shown = capsys.readouterr().out.replace("\n", " ")
    for each in act.parameters:
        assert f"--{each.name.replace('_', '-')}" in shown
    signature = inspect.signature(command_of(act))
    shared = ["place"] if act.reads else ["idempotency_key", "place"]
    assert list(signature.parameters) == [*(each.name for each in act.parameters), *shared]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_every_act_explains_itself(act):
    assert act.summary.endswith((".", "?")), "the docstring's first line is the command's help"
    unexplained = [each.name for each in act.parameters if not each.help]
    assert not unexplained


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_a_summary(room: str):
    assert summary_of(room)


def test_a_change_and_a_read(fettle, bundle: str):
    gates = '[{"name": "accuracy", "passed": true, "value": 0.9}]'
    metrics = '{"accuracy": 0.9}'
    made = fettle(
        "registry", "register", "fraud", bundle, "--gates", gates, "--metrics.accuracy", "0.9", "--json"
    )
    assert made.code == 0, made.err
    assert made.json()["version"] == 1
    assert made.json()["metrics"] == msgspec.json.decode(metrics)
    assert made.json()["gates"][0]["name"] == "accuracy"

    assert fettle("registry", "promote", "fraud", "1", "--reason", "first").code == 0
    listed = fettle("registry", "models", "--json").json()
    assert [(each["name"], each["aliases"]) for each in listed] == [("fraud", {"champion": 1})]
    table = fettle("registry", "versions", "fraud").out
    assert bundle[:12] in table and "champion" in table


def test_a_refused_gate_ends_with_its_code(fettle, bundle: str):
    gates = '[{"name": "accuracy", "passed": false, "detail": "too low"}]'
    assert fettle("registry", "register", "fraud", bundle, "--gates", gates).code == 0
    said = fettle("registry", "promote", "fraud", "1")
    assert said.code == 5
    assert "too low" in said.err


def test_an_unknown_name_offers_the_nearest(fettle, bundle: str):
    assert fettle("registry", "register", "fraud", bundle).code == 0
    said = fettle("registry", "show", "frod", "1")
    assert said.code == 3
    assert "Did you mean 'fraud'?" in said.err


def test_a_wrong_type_names_the_argument(fettle):
    said = fettle("registry", "promote", "fraud", "three")
    assert said.code == 2
    assert "three" in said.err and "VERSION" in said.err.upper()


def test_structured_arguments_from_a_file(fettle, home: Path, bundle: str):
    (home / "gates.json").write_text('[{"name": "parity", "passed": true}]')
    said = fettle("registry", "register", "fraud", bundle, "--gates", "@gates.json", "--json")
    assert said.json()["gates"][0]["name"] == "parity"


def test_a_structured_argument_that_is_no_json(fettle):
    said = fettle("registry", "register", "fraud", "ab" * 32, "--gates", "[oops")
    assert said.code == 2
    assert "'gates' is given as JSON" in said.err


def test_an_absent_file_of_arguments():
    with pytest.raises(Invalid, match="given as JSON"):
        read_json("gates", "@nowhere.json")


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        (str, True),
        (int | None, True),
        (datetime, True),
        (Literal["a", "b"], True),
        (list[str], True),
        (dict[str, float], True),
        (dict[str, list[int]], False),
        (list[dict[str, int]], False),
        (msgspec.Struct, False),
    ],
)
def test_what_a_command_line_can_say_in_words(kind: object, plain: bool):
    assert is_plain(kind) is plain


def test_an_errand_below_a_workspace_uses_it_and_makes_one_where_there_is_none(tmp_path, monkeypatch, fettle):
    inner = tmp_path / "project" / "raw"
    inner.mkdir(parents=True)
    (inner / "rows.csv").write_text("a,b\n1,2\n")
    monkeypatch.delenv("FETTLE_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path / "project")
    assert fettle("data", "ingest", "raw/rows.csv").code == 0
    monkeypatch.chdir(inner)
    assert fettle("data", "ingest", "rows.csv", "--dataset", "more").code == 0
    assert (tmp_path / "project" / ".fettle").is_dir() and not (inner / ".fettle").exists()
    assert fettle("data", "ingest", "rows.csv", "-w", str(tmp_path / "nowhere")).code == 3


def test_runs_show_what_people_said_and_compare_has_a_column_a_run(fettle, home) -> None:
    workspace = Workspace.open(home)
    for name in ("a", "b"):
        made = workspace.tracking.start("churn", name=name, params={"lr": 1})
        workspace.tracking.set(made.id, params={"who": name}, tags={"code.command": "x", "stage": "trial"})
    said = fettle("tracking", "runs").out
    assert "stage=trial" in said and "code.command" not in said
    ids = [each.id for each in workspace.tracking.runs()]
    table = fettle("tracking", "compare", *ids).out.splitlines()
    assert table[0].split() == ["section", "key", "b", "a"]
    assert any(line.split() == ["params", "who", "b", "a"] for line in table)
    assert "Nothing matches." in fettle("tracking", "runs", "--where", "metrics.nothing > 3").err
