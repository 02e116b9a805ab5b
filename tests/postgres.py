"""A real PostgreSQL for the tests: own server on loopback, own folder, gone afterwards.

As root the server runs as the user `postgres` (or `nobody`), because PostgreSQL refuses to run as root. With
pytest-xdist each worker has its own server.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

DEBIAN_BINARIES = Path("/usr/lib/postgresql")
START_SECONDS = 60
ATTEMPTS = 3
# Nothing here outlives the test run, so the server need not care for a power cut.
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "50",
    "shared_buffers": "32MB",
    "log_min_messages": "warning",
}

# The server stops (fast: open connections are cut) when we write a line or are gone; in the latter case
# nobody is left to remove the folder either.
SUPERVISED = """
exec 3<&0; folder=$1; shift
"$@" & server=$!
(read -r _ <&3 && orphan=no || orphan=yes
 kill -INT $server
 if [ $orphan = yes ]; then
     while kill -0 $server 2>&-; do sleep 0.1; done
     rm -rf "$folder"
 fi) &
wait $server
"""


@dataclass(frozen=True)
class PostgresServer:
    """A running server; the superuser is `callstats`."""

    port: int
    password: str = field(repr=False)
    host: str = "127.0.0.1"

    def dsn(self, database: str = "postgres") -> str:
        """The address as libpq and psycopg want it."""
        return f"postgresql://callstats:{self.password}@{self.host}:{self.port}/{database}"

    def url(self, database: str = "postgres") -> str:
        """The address as SQLAlchemy wants it."""
        return self.dsn(database).replace("postgresql://", "postgresql+psycopg://", 1)


def binaries() -> Path:
    """The folder with `initdb` and `postgres`: of the PATH, else the newest that Debian installed."""
    on_path = shutil.which("initdb")
    if on_path and (Path(on_path).resolve().parent / "postgres").exists():
        return Path(on_path).resolve().parent
    installed = [p.parent for p in DEBIAN_BINARIES.glob("*/bin/initdb") if (p.parent / "postgres").exists()]
    if not installed:
        pytest.fail("no PostgreSQL server found; type: apt-get install postgresql", pytrace=False)
    return max(installed, key=lambda folder: int(folder.parent.name))


def server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as: None (ourselves), or as root a user without rights."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.fail("PostgreSQL does not run as root and there is no user postgres or nobody", pytrace=False)


def reachable_folder(user: pwd.struct_passwd | None) -> Path:
    """A new folder that the server's user owns and can reach."""
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # a TMPDIR in root's home shuts others out
        folder = Path(tempfile.mkdtemp(prefix="callstats-postgres-", dir=parent))
        if user is None:
            return folder
        os.chown(folder, user.pw_uid, user.pw_gid)
        if _as(user, ["test", "-w", str(folder)], Path("/")).wait() == 0:
            return folder
        folder.rmdir()
    pytest.fail(f"no temporary folder that the user {user.pw_name if user else ''} can reach", pytrace=False)


def _as(
    user: pwd.struct_passwd | None,
    command: list[str],
    cwd: Path,
    log: int | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environment if user is None else environment | {"HOME": str(cwd)},
        stdin=stdin,
        stdout=subprocess.DEVNULL if log is None else log,
        stderr=subprocess.STDOUT,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        start_new_session=True,  # Ctrl-C goes to pytest, which then stops the server in order
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(server: PostgresServer, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server answers; False when it gave up (its port was taken meanwhile)."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with psycopg.connect(server.dsn(), connect_timeout=5):
                return True
        except psycopg.OperationalError:
            time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(b"stop\n")
        process.stdin.close()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Initialise and start a server, stop it and remove its folder at the end."""
    bin_folder, user = binaries(), server_user()
    folder = reachable_folder(user)
    try:
        with (folder / "log").open("ab") as log:
            password = secrets.token_hex(16)
            (folder / "password").write_text(password + "\n")
            if user is not None:
                os.chown(folder / "password", user.pw_uid, user.pw_gid)
            initdb = [str(bin_folder / "initdb"), "-D", str(folder / "data"), "-U", "callstats", "--no-sync"]
            initdb += ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8", "--locale=C"]
            if _as(user, initdb, folder, log.fileno()).wait() != 0:
                pytest.fail(f"initdb failed: {(folder / 'log').read_text(errors='replace')}", pytrace=False)
            for _ in range(ATTEMPTS):
                server = PostgresServer(_free_port(), password)
                command = ["sh", "-c", SUPERVISED, "sh", str(folder), str(bin_folder / "postgres")]
                command += ["-D", str(folder / "data"), "-p", str(server.port)]
                command += [f"--{name}={value}" for name, value in OPTIONS.items()]
                process = _as(user, command, folder, log.fileno(), subprocess.PIPE)
                try:
                    if _answers(server, process):
                        yield server
                        return
                finally:
                    _stop(process)
            said = (folder / "log").read_text(errors="replace")
            pytest.fail(f"PostgreSQL did not start: {said}", pytrace=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server of this test run (or of this xdist worker)."""
    with running_server() as server:
        yield server


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[str]:
    """An empty database, dropped at the end even if a connection was left open; yields its name."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield name
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database that only this test has."""
    with fresh_database(postgres_server) as name:
        yield postgres_server.url(name)
