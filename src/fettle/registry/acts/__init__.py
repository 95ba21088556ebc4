"""What can be done to the registry, a module a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.registry.acts.aliases import alias as alias
    from fettle.registry.acts.aliases import history as history
    from fettle.registry.acts.aliases import promote as promote
    from fettle.registry.acts.aliases import rollback as rollback
    from fettle.registry.acts.approvals import request_approval as request_approval
    from fettle.registry.acts.catalogue import models as models
    from fettle.registry.acts.queries import made_from as made_from
    from fettle.registry.acts.queries import show as show
    from fettle.registry.acts.queries import versions as versions
    from fettle.registry.acts.releases import register as register
    from fettle.registry.acts.releases import reject as reject
    from fettle.registry.quorum import approvals_missing as approvals_missing
    from fettle.registry.uses import follow as follow
    from fettle.registry.uses import unfollow as unfollow

PARTS = ("releases", "queries", "catalogue", "aliases", "approvals", "removal", "comparing", "stages")

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "alias": ".aliases",
        "approvals_missing": "fettle.registry.quorum",
        "follow": "fettle.registry.uses",
        "history": ".aliases",
        "made_from": ".queries",
        "models": ".catalogue",
        "promote": ".aliases",
        "register": ".releases",
        "reject": ".releases",
        "request_approval": ".approvals",
        "rollback": ".aliases",
        "show": ".queries",
        "unfollow": "fettle.registry.uses",
        "versions": ".queries",
    },
)
