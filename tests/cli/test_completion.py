"""Completion scripts are static and their shell accepts them."""

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_names_the_commands(fettle, home: Path, shell: str):
    said = fettle("completion", shell)
    assert said.code == 0, said.err
    for word in ("demo", "registry", "promote", "--reason"):
        assert word.removeprefix("--") in said.out
    if shutil.which(shell):
        (home / "script").write_text(said.out)
        subprocess.run([shell, "-n", "script"], cwd=home, check=True)


def test_an_unknown_shell(fettle):
    said = fettle("completion", "basic")
    assert said.code == 2
    assert "basic" in said.err
