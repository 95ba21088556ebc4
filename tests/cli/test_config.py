"""`fettle config show` tells who decided each setting."""

from pathlib import Path

import pytest

from fettle.core.config import SETTINGS


def origins(said) -> dict[str, tuple[object, str]]:
    return {row["key"]: (row["value"], row["origin"]) for row in said.json()}


def test_one_precedence(fettle, home: Path, monkeypatch: pytest.MonkeyPatch):
    (home / "fettle.toml").write_text("[serve]\nport = 9000\n[ui]\nport = 9001\n")
    monkeypatch.setenv("FETTLE_SERVE_PORT", "9002")
    shown = origins(fettle("config", "show", "--origin", "--json", "-w", str(home)))
    assert list(shown) == [each.key for each in SETTINGS]
    assert shown["workspace"] == (str(home), "flag")
    assert shown["serve.port"] == (9002, "environment")
    assert shown["ui.port"] == (9001, "fettle.toml")
    assert shown["train.trials"][1] == "default"


def test_one_key(fettle):
    assert fettle("config", "show", "serve.port", "--json").json() == [{"key": "serve.port", "value": 8080}]


def test_an_unknown_key_offers_the_nearest(fettle):
    said = fettle("config", "show", "serve.prt")
    assert said.code == 2
    assert "'serve.port'" in said.err


def test_a_mistake_in_the_file_is_named(fettle, home: Path):
    (home / "fettle.toml").write_text("[serve]\nport = 'many'\n")
    said = fettle("config", "show")
    assert said.code == 2
    assert "serve.port" in said.err and "fettle.toml" in said.err


def test_the_token_is_not_shown(fettle, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FETTLE_TOKEN", "very-secret")
    said = fettle("config", "show", "--origin")
    assert "very-secret" not in said.out
    assert "FETTLE_TOKEN" in said.out
