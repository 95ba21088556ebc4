"""The remote workspace is tested against the same served workspace as the server."""

from tests.server.conftest import served

__all__ = ["served"]
