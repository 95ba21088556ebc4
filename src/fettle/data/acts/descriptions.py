"""What can be done with what is known of a version: its profile and its schema."""

from __future__ import annotations

import msgspec

from fettle.acts import Context, act
from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound
from fettle.data.records.profiles import Profile
from fettle.data.records.schemas import Schema
from fettle.data.records.versions import Commit
from fettle.data.store import resolve, versions
from fettle.storage.objects import get_object


@act("data.profile_of", reads=True)
def profile_of(ctx: Context, ref: str) -> Profile:
    """Show what is known of the columns of a version.

    Args:
        ref: `churn`, `churn@main` or `churn@3f9ac1`.
    """
    found = resolve.find_commit(ctx.tx, ref)
    return canonical.decode(_known(ctx, found, "profile", found.profile_digest), Profile)


@act("data.schema_of", reads=True)
def schema_of(ctx: Context, ref: str) -> Schema:
    """Show the schema that belongs to a version.

    Args:
        ref: `churn`, `churn@main` or `churn@3f9ac1`.
    """
    found = resolve.find_commit(ctx.tx, ref)
    return canonical.decode(_known(ctx, found, "schema", found.schema_digest), Schema)


@act("data.set_profile", plumbing=True)
def set_profile(ctx: Context, ref: str, profile: str) -> Commit:
    """Keep the profile of a version.

    Args:
        ref: The version.
        profile: Digest of the object that holds the profile.
    """
    _decoded(ctx, profile, Profile)
    found = resolve.find_commit(ctx.tx, ref)
    versions.set_digests(ctx.tx, found.id, profile=profile)
    return msgspec.structs.replace(found, profile_digest=profile)


@act("data.set_schema", plumbing=True)
def set_schema(ctx: Context, ref: str, schema: str) -> Commit:
    """Keep the schema that belongs to a version.

    Args:
        ref: The version.
        schema: Digest of the object that holds the schema.
    """
    _decoded(ctx, schema, Schema)
    found = resolve.find_commit(ctx.tx, ref)
    versions.set_digests(ctx.tx, found.id, schema=schema)
    return msgspec.structs.replace(found, schema_digest=schema)


def _known(ctx: Context, found: Commit, what: str, digest: str) -> bytes:
    if not digest:
        raise NotFound(
            f"No {what} of {found.dataset}@{found.id[:12]} has been made.",
            hint=f"Make it: fettle data {what} {found.dataset}@{found.id[:12]}",
            subject=f"commit:{found.id}",
        )
    return get_object(ctx.blobs, digest)


def _decoded(ctx: Context, digest: str, kind: type) -> None:
    try:
        canonical.decode(get_object(ctx.blobs, digest), kind)
    except msgspec.DecodeError as error:
        raise Invalid(
            f"The object {digest[:12]}… is no {kind.__name__.lower()}.", found=str(error)
        ) from error
