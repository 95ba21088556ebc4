"""The tables of governance, a module a subject, and the migrations in their one order."""

from __future__ import annotations

from fettle.governance.store import notices, oversight

MIGRATIONS = [oversight.m001_initial, notices.m002_notices]
