"""The tables of data, a module a subject, and the migrations in their one order."""

from __future__ import annotations

from fettle.data.store.checks import m004_checks
from fettle.data.store.policies import m003_policies, m005_removed
from fettle.data.store.tables import m001_initial, m002_trees

MIGRATIONS = [m001_initial, m002_trees, m003_policies, m004_checks, m005_removed]
