"""What is known against a bundle, wherever it was registered: under any name, and also where it was deleted since.

A verdict is about the bundle and not about the number it had: a failed gate or a rejection is not shaken off by
registering the same bundle anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.errors import Conflict, GateFailed
from fettle.evaluation.records import GateResult
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import versions

if TYPE_CHECKING:
    from fettle.acts import Context


def check_passed(ctx: Context, version: ModelVersion) -> None:
    """Refuse a version whose bundle was rejected, or has failed a gate, under any name it ever had.

    Raises:
        GateFailed: A gate said no; the message lists which.
        Conflict: It was rejected.
    """
    known = known_of(ctx, version)
    rejected = next((each for each in known if each.status == "rejected"), None)
    if rejected is not None:
        raise Conflict(
            f"Version {version.version} of {version.model} was rejected and cannot be promoted.",
            found=(rejected.reason or "no reason was given") + _where(rejected, version),
            hint="Train a new version; an administrator may use --override.",
            subject=f"model:{version.model}",
        )
    failed = [_in_words(gate) + _where(each, version) for each in known for gate in each.failed_gates]
    if failed:
        raise GateFailed(
            f"Version {version.version} of {version.model} did not pass its gates.",
            found="; ".join(dict.fromkeys(failed)),
            hint="Train a better version; an administrator may use --override.",
            subject=f"model:{version.model}",
        )


def is_rejected(ctx: Context, version: ModelVersion) -> bool:
    """Whether a version, or what it has in common with another one, was rejected."""
    return any(each.status == "rejected" for each in known_of(ctx, version))


def known_of(ctx: Context, version: ModelVersion) -> list[ModelVersion]:
    """The version itself first, then all that have, or had, the same bundle or the same files."""
    others = versions.sharing(ctx.tx, version.bundle, version.manifest)
    return [version, *(each for each in others if each.ref != version.ref)]


def _where(found: ModelVersion, asked: ModelVersion) -> str:
    return "" if found.ref == asked.ref else f" (as {found.ref})"


def _in_words(gate: GateResult) -> str:
    if gate.detail:
        return gate.detail
    return (
        f"{gate.name} failed"
        if gate.value is None
        else f"{gate.name} is {gate.value:g}, against {gate.threshold}"
    )
