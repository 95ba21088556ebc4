"""What was kept elsewhere comes here: folders, buckets and DVC repositories, copied or by reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fettle.acts import Surface, errand

if TYPE_CHECKING:
    from fettle.data.imports.folder import Imports
    from fettle.data.imports.reference import Materialised, References


@errand("data.import")
def import_data(
    ws: Surface,
    source: str,
    *,
    dataset: str | None = None,
    branch: str = "main",
    message: str = "",
    by_reference: bool = False,
    kind: Literal["auto", "dvc", "folder"] = "auto",
    rev: str = "",
    all_revisions: bool = False,
    skip_missing: bool = False,
    remote: str = "",
) -> Imports:
    """Import a folder, an S3 prefix or a DVC repository as versions; a second import takes only what changed.

    Of a DVC repository each output becomes a dataset, named as its path ends, or all of them one with `--dataset`.
    Content is found in its cache, its workspace or its remote, and held to its md5; if any is missing, nothing is
    imported. By reference, nothing is copied: files are read once for their digests, and from their source whenever
    they are asked for. From Python: `ws.data.import_("…")`, as `import` is a word of the language.

    Args:
        source: A folder or file, s3://bucket/prefix?endpoint=…, a DVC repository, or a path or `.dvc` file in one.
        dataset: The dataset; named as the source otherwise.
        branch: The branch that gets the versions.
        message: Why; empty: what was imported.
        by_reference: Leave the bytes where they are.
        kind: What the source is; found out otherwise.
        rev: A git revision of a DVC repository, or a range `A..B`; its working tree otherwise.
        all_revisions: Every git commit that changed what DVC tracks, oldest first, with git's tags.
        skip_missing: Leave out revisions of which content is missing.
        remote: The DVC remote to fetch from; its default otherwise.
    """
    from fettle.data.imports.bring import bring
    from fettle.data.imports.dvc_states import DvcOrder
    from fettle.data.imports.folder_commit import Order

    order = Order(dataset, branch, message, by_reference)
    return bring(ws, source, order, kind=kind, dvc=DvcOrder(rev, all_revisions, skip_missing, remote))


@errand("data.references", reads=True)
def references(ws: Surface, ref: str, *, full: bool = False) -> References:
    """Show whether the sources of a version's referenced files still have them; exit code 5 if one has not.

    Args:
        ref: The version, such as `images@main`.
        full: Read the files; otherwise one of the same length and time or entity tag counts as unchanged.
    """
    from fettle.data.imports.reference import references as found

    return found(ws, ref, full=full)


@errand("data.materialise")
def materialise(ws: Surface, ref: str) -> Materialised:
    """Copy the content of a version's referenced files into the store; the version stays the same.

    Args:
        ref: The version, such as `images@main`.
    """
    from fettle.data.imports.reference import materialise as done

    return done(ws, ref)
