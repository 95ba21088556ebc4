"""What can be asked about what versions hold: one, or two beside each other."""

from __future__ import annotations

from fettle.acts import Context, Role, act
from fettle.registry import bundles, differences, find
from fettle.registry.records.comparison import VersionComparison
from fettle.registry.records.verification import Verification
from fettle.registry.records.versions import ModelVersion
from fettle.tracking.acts.runs import runs_of


@act("registry.differences", reads=True)
def list_differences(ctx: Context, model: str, a: int, b: int) -> VersionComparison:
    """List what sets two versions apart: metrics, parameters, data, code, environment, schema, files and size.

    `registry.compare` also asks both the same rows.

    Args:
        model: The model.
        a: One version.
        b: Another.
    """
    one, other = find.version(ctx, model, a), find.version(ctx, model, b)
    facts_a, facts_b = _facts(ctx, one), _facts(ctx, other)
    return VersionComparison(
        model=model,
        a=a,
        b=b,
        same=one.bundle == other.bundle,
        differences=differences.between(facts_a, facts_b),
        size_bytes=(facts_a.size_bytes, facts_b.size_bytes),
    )


@act("registry.verify", needs=Role.EDITOR, reads=True)
def verify(ctx: Context, ref: str) -> Verification:
    """Read all files of a version again and compare them with the digests they were stored under.

    `promote` only looks whether they are there and have their size. As a command it ends with exit code 5 when a file
    is missing or damaged.

    Args:
        ref: `fraud` (its champion), `fraud@champion`, `fraud@3`, or the first 8 or more characters of a digest.

    Raises:
        NotFound: There is no such model, alias or version.
    """
    return bundles.verified(ctx.blobs, find.ref(ctx, ref))


def _facts(ctx: Context, version: ModelVersion) -> differences.Facts:
    found = runs_of(ctx, [version.run_id]) if version.run_id else []
    return differences.facts(version, found[0] if found else None, ctx.blobs)
