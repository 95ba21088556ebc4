"""Journeys start from the same served workspace as the server's tests."""

from tests.server.conftest import served

__all__ = ["served"]
