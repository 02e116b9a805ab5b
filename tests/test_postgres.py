"""The PostgreSQL that the tests start is a real one, and each test has a database of its own."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.postgres import PostgresServer, fresh_database, running_server
from tests.shared import ROOT


def _dsn(url: str) -> str:
    return url.replace("+psycopg", "", 1)


def test_each_test_gets_an_empty_database_on_loopback(postgres_url: str) -> None:
    assert urlsplit(postgres_url).hostname == "127.0.0.1"
    with psycopg.connect(_dsn(postgres_url)) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)


def test_a_database_goes_although_a_connection_is_left_open(postgres_server: PostgresServer) -> None:
    with fresh_database(postgres_server) as name:
        left_open = psycopg.connect(postgres_server.dsn(name))
    with psycopg.connect(postgres_server.dsn()) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    left_open.close()
    assert found is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give its rights away")
def test_the_server_does_not_run_as_root(postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.dsn()) as connection:
        row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
    assert row is not None
    pid = int(str(row[0]).split()[0])
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        uids = next(line for line in status if line.startswith("Uid:")).split()[1:]
    assert "0" not in uids


def test_a_stopped_server_leaves_nothing_behind() -> None:
    with running_server() as server, psycopg.connect(server.dsn()) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    assert not os.path.exists(os.path.dirname(str(row[0])))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.dsn(), connect_timeout=5)


def test_the_server_stops_when_the_test_run_is_killed() -> None:
    script = """
        import sys, time
        from tests.postgres import running_server
        with running_server() as server:
            print(server.dsn(), flush=True)
            time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        dsn = run.stdout.readline().strip()
        with psycopg.connect(dsn) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        run.kill()
    assert row is not None
    folder = Path(str(row[0])).parent
    deadline = time.monotonic() + 60
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn, connect_timeout=5)
