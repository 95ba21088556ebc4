"""Runs as files that anybody can read: everything to Parquet, and back without loss."""
