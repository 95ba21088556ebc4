"""A registry written before versions could be deleted, renamed and approved goes on as it was."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from fettle.workspace import Workspace
from tests.bundles import kept

from .conftest import BUNDLES, register

NEW_TABLES = (
    "registry_tags", "registry_edits", "registry_numbers", "registry_removed", "registry_uses", "registry_holds",
    "registry_protections", "registry_requests", "registry_approvals",
)  # fmt: skip
NEW_COLUMNS = {
    "registry_models": ["updated_at"],
    "registry_versions": [
        "description",
        "kind",
        "source",
        "manifest",
        "logged_model",
        "review",
        "updated_at",
    ],
    "registry_alias_changes": ["bundle", "request"],
}


def test_an_older_registry_is_carried_over(tmp_path: Path) -> None:
    with Workspace.create(tmp_path) as ws:
        register(ws, 2, tags={"note": "kept"}, metrics={"accuracy": 0.9})
        ws.registry.promote("fraud", 1)
        ws.registry.promote("fraud", 2)
        before = ws.registry.versions("fraud")
    database = sqlite3.connect(tmp_path / ".fettle" / "workspace.db")
    database.execute("""UPDATE registry_versions SET tags = '{"note":"kept"}'""")
    for table in NEW_TABLES:
        database.execute(f"DROP TABLE {table}")
    for index in ("registry_versions_logged_model", "registry_versions_source"):
        database.execute(f"DROP INDEX {index}")
    for table, columns in NEW_COLUMNS.items():
        for column in columns:
            database.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    (ledger,) = database.execute(
        "SELECT name FROM sqlite_master WHERE sql LIKE '%room%' AND name LIKE '%migrations%'"
    ).fetchone()
    database.execute(f"DELETE FROM {ledger} WHERE room = 'registry' AND number > 1")
    database.commit()
    database.close()

    with Workspace.create(tmp_path) as ws:
        assert ws.registry.versions("fraud") == before
        assert [each.bundle for each in ws.registry.history("fraud")] == [BUNDLES[1], BUNDLES[0]]
        assert ws.registry.rollback("fraud").version == 1
        ws.registry.delete_version("fraud", 2)
        assert ws.registry.register("fraud", kept(ws.blobs, 3)).version == 3
