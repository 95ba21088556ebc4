"""`fettle completion`: a static script, so that pressing TAB starts no Python."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="Your shell.")],
) -> None:
    """Print a completion script for your shell.

    Put it where your shell looks, such as: fettle completion bash > ~/.local/share/bash-completion/completions/fettle
    """
    from fettle.cli.app import build

    print(build().generate_completion(shell=shell))
