"""Policies as people keep them: rule by rule, as a TOML file, or tried on a file of rows."""

from __future__ import annotations

from pathlib import Path

from fettle.acts import Surface, errand
from fettle.privacy.records import PolicyVersion


@errand("privacy.rule")
def rule(
    ws: Surface,
    dataset: str,
    column: str,
    treatment: str,
    *,
    options: dict[str, str] | None = None,
    subject: str = "",
) -> PolicyVersion:
    """Set what happens to one column when rows come in; the other rules stay.

    Args:
        dataset: The dataset.
        column: The column.
        treatment: keep, drop, redact, partial, token, vault, generalise, bin, shift, noise or encrypt.
        options: Of the treatment, such as domain=people or to=month.
        subject: The column that says whose row it is; empty: as before.
    """
    import msgspec

    from fettle.core.errors import Invalid
    from fettle.privacy.records import Rule, Standing

    standing: Standing = ws.call("privacy.standing", dataset=dataset)
    try:
        made = msgspec.convert({"treatment": treatment, **(options or {})}, Rule, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(
            f"{treatment!r} with these options is no treatment.",
            found=str(error),
            hint="docs/reference/privacy.md lists the treatments and their options; lists go into privacy.toml.",
        ) from error
    policy = msgspec.structs.replace(
        standing.policy,
        rules={**standing.policy.rules, column: made},
        subject=subject or standing.policy.subject,
    )
    return ws.call("privacy.set_policy", dataset=dataset, policy=policy)


@errand("privacy.write", reads=True)
def write(ws: Surface, path: Path = Path("privacy.toml")) -> list[str]:
    """Write the policies of all datasets to a TOML file; the datasets' names.

    Args:
        path: The file; it is replaced.
    """
    from fettle.privacy.policies import to_toml

    found: list[PolicyVersion] = ws.call("privacy.policies")
    path.write_text(to_toml({each.dataset: each.policy for each in found}), "utf-8")
    return [each.dataset for each in found]


@errand("privacy.read")
def read(ws: Surface, path: Path = Path("privacy.toml")) -> list[PolicyVersion]:
    """Set the policies that a TOML file says; datasets it does not name keep theirs.

    Args:
        path: The file.
    """
    from fettle.core.errors import NotFound
    from fettle.privacy.policies import from_toml

    if not path.is_file():
        raise NotFound(f"There is no file {path}.", hint="`fettle privacy write` makes one of what is set.")
    wanted = from_toml(path.read_text("utf-8"), path.name)
    return [
        ws.call("privacy.set_policy", dataset=dataset, policy=policy) for dataset, policy in wanted.items()
    ]


@errand("privacy.mask")
def mask(ws: Surface, path: Path, to: Path, dataset: str) -> list[str]:
    """Mask a file of rows as an ingest into a dataset would, and write the result to another file; what was done.

    Args:
        path: CSV, TSV, Parquet, JSON lines or Arrow.
        to: Where the masked rows go.
        dataset: Whose policy.
    """
    from fettle.privacy import files, masking

    masked = masking.apply(ws, dataset, files.read(path))
    files.write(masked.frame, to)
    return [*masked.notes, f"{masked.frame.height:,} rows in {to}"]
