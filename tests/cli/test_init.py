"""`fettle init` makes a project once, and leaves alone what is there."""

import tomllib
from pathlib import Path


def test_a_new_project(fettle, tmp_path: Path):
    folder = tmp_path / "churn"
    said = fettle("init", "--source", "churn.csv", "--target", "churned", "-C", str(folder), "--json")
    assert said.code == 0, said.err
    assert said.json()["project"] == "churn"
    assert (folder / ".fettle").is_dir()
    declared = tomllib.loads((folder / "fettle.toml").read_text("utf-8"))
    assert declared["data"]["target"] == "churned"
    assert (
        fettle("config", "show", "data.target", "-C", str(folder), "--json").json()[0]["value"] == "churned"
    )


def test_the_same_again_is_no_error_and_another_is_refused(fettle, tmp_path: Path):
    words = ("init", "--source", "churn.csv", "-C", str(tmp_path / "churn"))
    assert fettle(*words, "--target", "churned").code == 0
    assert fettle(*words, "--target", "churned").code == 0
    said = fettle(*words, "--target", "other")
    assert said.code == 6
    declared = tomllib.loads((tmp_path / "churn" / "fettle.toml").read_text("utf-8"))
    assert declared["data"]["target"] == "churned"


def test_run_without_a_target_says_where_to_write_it(fettle):
    said = fettle("run")
    assert said.code == 2
    assert "data.target" in said.err
