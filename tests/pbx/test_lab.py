"""The laboratory can be used: a program attached to a run hears its calls, the recordings are there after."""

import json
import sys
from pathlib import Path

import pytest

from tests.pbx.lab import Lab, lab_or_skip, needs_pbx

pytestmark = needs_pbx

# Prints what AMI says until the PBX ends the connection.
CLIENT = """
import socket, sys
host, port, user, secret = sys.argv[1:]
with socket.create_connection((host, int(port)), timeout=60) as connection:
    login = {"Action": "Login", "Username": user, "Secret": secret, "Events": "on"}
    connection.sendall("".join(f"{k}: {v}\\r\\n" for k, v in login.items()).encode() + b"\\r\\n")
    while data := connection.recv(65536):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
"""


@pytest.fixture(scope="module")
def lab() -> Lab:
    return lab_or_skip()


def test_a_program_hears_a_live_run(lab: Lab, tmp_path: Path) -> None:
    out, heard = tmp_path / "capture", tmp_path / "heard"
    with lab.run(out, only=["short_call"], seed=1) as run:
        client = [sys.executable, "-c", CLIENT, run.host, str(run.port), run.user, run.secret]
        with run.attached(client, heard) as program:
            run.wait()
            assert program.wait(timeout=20) == 0
    events = [line for line in heard.read_text(encoding="utf-8").splitlines() if line.startswith("Event: ")]
    assert "Event: FullyBooted" in events
    assert events.count("Event: Newchannel") == 2  # the citizen's and the employee's
    assert events[-1] == "Event: Shutdown"
    [call] = json.loads((out / "truth.json").read_text(encoding="utf-8"))["calls"]
    assert (call["outcome"], call["plan_met"]) == ("answered", True)
