from __future__ import annotations

import httpx

from fettle.workspace import Workspace
from tests.web.conftest import serve


def test_who_is_called_finds_it(workspace: Workspace) -> None:
    run = workspace.tracking.start("churn").id
    workspace.tracking.comment(f"run:{run}", "Look, @ada: <script>alert(1)</script>")
    workspace.tracking.comment("version:fraud/3", "And @bob")
    with serve(workspace) as address, httpx.Client(base_url=address, timeout=30) as client:
        page = client.get("/mentions?actor=user:ada")
        assert page.status_code == 200
        assert f'href="/runs/{run}#comment-' in page.text
        assert "<script>alert" not in page.text and "bob" not in page.text
        assert len(client.get("/mentions.json?actor=user:bob").json()["comments"]) == 1
        assert "Nobody called" in client.get("/mentions").text
