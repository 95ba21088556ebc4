"""What can be done to a workspace, each thing declared once.

An act is one typed function with one decorator. From its signature, types and docstring come the Python method,
the HTTP route and its OpenAPI entry, the remote client's call, the command, the permission check, the audit entry
(in the same transaction as the change), the idempotency key and the event. Every room above declares its acts in
`acts.py`; nothing is restated by hand.

    @act("registry.promote", needs=Role.APPROVER)
    def promote(ctx: Context, model: str, version: int, *, to: str = "champion") -> ModelVersion: ...

    workspace.registry.promote("fraud", 3)            # Python, in process or remote
    POST /api/v1/registry/promote                     # HTTP
    fettle registry promote fraud 3 --to champion     # command line

An errand is what happens beside the workspace, on the user's own files: `@errand("data.add")`. It takes the workspace
and calls its acts, so it runs the same against a remote one; Python method and command are derived likewise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.acts.catalog import Catalog as Catalog
    from fettle.acts.context import Context as Context
    from fettle.acts.declare import act as act
    from fettle.acts.errands import errand as errand
    from fettle.acts.perform import Site as Site
    from fettle.acts.records import Act as Act
    from fettle.acts.records import AuditEntry as AuditEntry
    from fettle.acts.records import Errand as Errand
    from fettle.acts.records import Event as Event
    from fettle.acts.records import Parameter as Parameter
    from fettle.acts.records import Role as Role
    from fettle.acts.surface import Surface as Surface

__all__ = [
    "Act",
    "AuditEntry",
    "Catalog",
    "Context",
    "Errand",
    "Event",
    "Parameter",
    "Role",
    "Site",
    "Surface",
    "act",
    "errand",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Act": ".records",
        "AuditEntry": ".records",
        "Catalog": ".catalog",
        "Context": ".context",
        "Errand": ".records",
        "Event": ".records",
        "Parameter": ".records",
        "Role": ".records",
        "Site": ".perform",
        "Surface": ".surface",
        "act": ".declare",
        "errand": ".errands",
    },
)
