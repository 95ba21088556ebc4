"""Checks: what users ask of their rows, as expressions, SQL or Python, all answered in one pass over the table."""
