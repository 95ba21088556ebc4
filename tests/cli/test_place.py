from __future__ import annotations

from pathlib import Path

import pytest

from fettle.cli.place import Place
from fettle.storage import outgoing


def test_private_hosts_of_fettle_toml_are_reached_by_what_the_command_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outgoing.PRIVATE_HOSTS, "")
    monkeypatch.delenv(outgoing.PRIVATE_HOSTS)
    (tmp_path / "fettle.toml").write_text('[outgoing]\nprivate = ["hooks.intern", "10.0.0.0/8"]\n')
    place = Place(folder=tmp_path)
    place.create().close()
    assert outgoing.private_hosts() == ["hooks.intern", "10.0.0.0/8"]
    monkeypatch.setenv(outgoing.PRIVATE_HOSTS, "other.intern")
    place.open().close()
    assert outgoing.private_hosts() == ["other.intern"]  # the environment decides
