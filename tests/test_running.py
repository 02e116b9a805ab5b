"""`callstats run`: a small site as one command, its parts killed one after another, and stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx2
import pytest

from callstats.settings import Settings
from callstats.store import Store
from tests.ingest.fake_ami import SECRET, FakeAmi, Peer
from tests.ingest.loading import SAMPLE
from tests.ingest.test_station import story


def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def children(pid: int) -> dict[str, int]:
    """Command → pid of a supervisor's parts."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            argv = (path.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(fields[1]) == pid and b"callstats" in argv:
            found[argv[argv.index(b"callstats") + 1].decode()] = int(path.parent.name)
    return found


def begun_again(pid: int, name: str, before: int) -> bool:
    """Whether a part runs as another process than before."""
    return children(pid).get(name) not in (None, before)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find the parts")
def test_a_small_site_as_one_command(tmp_path: Path) -> None:
    inbox = tmp_path / "asterisk"
    inbox.mkdir()
    sent: list[int] = []

    def script(peer: Peer) -> None:
        if not sent:
            sent.append(peer.number)
            peer.send(story())

    with FakeAmi(script).running() as fake:
        text = (SAMPLE / "callstats.toml").read_text()
        feed = f'\n[watch]\npaths = ["{inbox}"]\n\n[[ami]]\nport = {fake.port}\nsecret = "{SECRET}"\n'
        config, port = tmp_path / "callstats.toml", free_port()
        config.write_text(text + feed)
        config.chmod(0o600)
        command = [
            sys.executable,
            "-m",
            "callstats",
            "run",
            "--config",
            str(config),
            "--data",
            str(tmp_path / "data"),
        ]
        environment = {**os.environ, "PORT": str(port)}
        with (tmp_path / "said").open("w+") as said, httpx2.Client(trust_env=False) as client:
            running = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
            settings = Settings.load(config, tmp_path / "data")
            try:

                def answers() -> bool:
                    try:
                        return client.get(f"http://127.0.0.1:{port}/live?lang=en").status_code == 200
                    except httpx2.HTTPError:
                        return False

                def calls() -> int:
                    with Store.open(settings) as store:
                        return int(store.scan("calls", columns=["call_id"]).num_rows)

                until(answers)
                until(lambda: calls() == 1)
                shutil.copy(SAMPLE / "queue_log", inbox / "queue_log")
                until(lambda: calls() > 1)
                for name in ("collect", "serve", "intake"):
                    before = children(running.pid)
                    os.kill(before[name], signal.SIGKILL)
                    until(partial(begun_again, running.pid, name, before[name]))
                    others = {key: pid for key, pid in before.items() if key != name}
                    now = children(running.pid)
                    assert {key: now.get(key) for key in others} == others, "no other was touched"
                until(answers)
                until(lambda: "Live" in client.get(f"http://127.0.0.1:{port}/live?lang=en").text)
                parts = children(running.pid)
                running.send_signal(signal.SIGTERM)
                assert running.wait(60) == 0
                until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in parts.values()))
            finally:
                if running.poll() is None:
                    running.kill()
                    running.wait()
            said.seek(0)
            told = said.read()
        assert "collect ended (status -9); it is started again" in told
        assert SECRET not in told
        assert fake.connections >= 2
