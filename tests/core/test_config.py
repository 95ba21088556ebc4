"""Settings: one order of precedence, clear errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from fettle.core.config import SETTINGS, Settings
from fettle.core.errors import Invalid


def test_flag_wins_over_environment_over_file_over_default():
    file = {"serve": {"port": 1}}
    assert Settings(environment={})["serve.port"] == 8080
    assert Settings(environment={}, file=file)["serve.port"] == 1
    assert Settings(environment={"FETTLE_SERVE_PORT": "2"}, file=file)["serve.port"] == 2
    layered = Settings({"serve.port": 3}, {"FETTLE_SERVE_PORT": "2"}, file)
    assert layered["serve.port"] == 3
    assert layered.value("serve.port").origin == "flag"


def test_values_are_read_as_their_kind():
    settings = Settings(
        environment={
            "FETTLE_MONITOR_WINDOW": "14d",
            "FETTLE_RETRAIN_ENABLED": "no",
            "FETTLE_DATA_IGNORE": "a, b",
        }
    )
    assert settings["monitor.window"] == 14 * 86_400
    assert settings["retrain.enabled"] is False
    assert settings["data.ignore"] == ["a", "b"]
    assert settings["monitor.stride"] is None


def test_every_default_fits_its_kind():
    assert len(Settings(environment={}).all()) == len(SETTINGS)


def test_an_unknown_key_offers_the_nearest():
    with pytest.raises(Invalid, match=r"serve\.prt") as caught:
        Settings(environment={}, file={"serve": {"prt": 1}})
    assert "serve.port" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"), [("serve.port", "many"), ("retrain.enabled", "perhaps"), ("monitor.window", "soon")]
)
def test_a_value_of_the_wrong_kind_names_key_and_origin(key: str, value: str):
    variable = "FETTLE_" + key.upper().replace(".", "_")
    with pytest.raises(Invalid) as caught:
        Settings(environment={variable: value})[key]
    assert key in caught.value.message
    assert variable in caught.value.found


def test_broken_toml_says_where(tmp_path: Path):
    (tmp_path / "fettle.toml").write_text("[serve\nport = 1")
    with pytest.raises(Invalid) as caught:
        Settings.read(tmp_path)
    assert "line 1" in caught.value.found
