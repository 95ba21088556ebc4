"""The tables of monitoring, a module a subject, and the migrations in their one order."""

from __future__ import annotations

from fettle.monitoring.store.tables import m001_initial

MIGRATIONS = [m001_initial]
