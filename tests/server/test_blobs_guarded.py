"""What versions rest on is added by editors, and changed or deleted by nobody below an approver."""

import pytest

from fettle.acts import Role
from fettle.server.blobs import needed


@pytest.mark.parametrize(
    ("method", "key", "role"),
    [
        ("GET", "data/hooks.json", Role.VIEWER),
        ("PUT", "data/hooks.json", Role.ADMIN),
        ("DELETE", "data/hooks.json", Role.ADMIN),
        ("PUT", "data/packs/x.pack", Role.EDITOR),
        ("DELETE", "data/packs/x.pack", Role.APPROVER),
        ("DELETE", "data/commits/ab/abc", Role.APPROVER),
        ("DELETE", "data/leases/x.json", Role.EDITOR),
        ("DELETE", "objects/ab/abc", Role.APPROVER),
        ("PUT", "objects/ab/abc", Role.EDITOR),
    ],
)
def test_the_role_that_a_blob_asks_for(method: str, key: str, role: Role):
    assert needed(method, key) == role
