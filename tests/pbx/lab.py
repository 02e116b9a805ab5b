"""A real Asterisk for the tests: the laboratory beside this project, in the background, open to our programs.

Each run has a network of its own with nothing but loopback. A program reaches its AMI only from inside, which
`Run.command` arranges. Needs Debian and root, takes 0.7 GB and minutes: only when asked for (PBX_TESTS=1).
"""

from __future__ import annotations

import configparser
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, TypedDict

import pytest

from tests.shared import SHARED

LAB = SHARED / "pbx" / "lab"
# The laboratory's own default (its README).
HOME = Path(os.environ.get("PBXLAB_HOME", "/var/lib/pbxlab"))
TOOLS = ("apt-get", "unshare", "nsenter", "setpriv")
NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "true")

UP_SECONDS = 900
# Measured: the namespace 0.3 s, AMI 1.2 s after the start. The first call comes 6 s after AMI, or later.
START_SECONDS = 60
# The longest plan, and 150 s in which the laboratory waits for callers that a crash has left behind.
RUN_SECONDS = 600


class Plan(TypedDict):
    """What a run plays: `lab.run(out, **COVER)`. The same plan gives the same calls at the same times."""

    only: Sequence[str]
    width: int
    seed: int
    breaks: Sequence[str]


# Every kind of call once in 165 s: the shortest order of seeds 1-99.
COVER: Plan = {
    "only": (
        "direct_ring3", "direct_ring4", "direct_edge_14.6", "direct_edge_15.4", "direct_abandon",
        "seq_first_no_answer", "seq_first_switched_off", "norotation_busy", "group_one_busy_one_declines",
        "queue_declined_then_other", "queue_rrmemory_rna_then_answer", "queue_rrmemory_abandon",
        "queue_linear_rna_then_answer", "queue_overflow_to_social", "queue_local_rna_then_answer",
        "ivr_abandon_in_menu", "ivr_abandon_ringing", "blind_transfer_refer", "attended_transfer_feature",
        "pickup", "hotline_callback_first_try", "hotline_never_called_back",
    ),
    "width": 12,
    "seed": 45,
    "breaks": (),
}  # fmt: skip

# A stop in order, then a SIGKILL, in 57 s. They meet the second and third call of a queue in talk, and nobody
# ringing: a caller whose ringing the PBX has forgotten would wait two minutes more.
BROKEN: Plan = {
    "only": (
        "queue_rrmemory_three_in_turn", "queue_ringall", "queue_linear_busy_then_answer", "direct_ring1",
        "direct_ring3", "direct_abandon", "norotation_answered", "ivr_abandon_in_menu",
        "hotline_never_called_back",
    ),
    "width": 12,
    "seed": 1,
    "breaks": ("restart@0.415", "crash@0.68"),
}  # fmt: skip

needs_pbx = pytest.mark.skipif(
    os.environ.get("PBX_TESTS") != "1", reason="a real PBX takes root and minutes; PBX_TESTS=1 runs it"
)


class LabError(Exception):
    """The laboratory did not do what it should; the text tells what it said last."""


@dataclass(frozen=True)
class Run:
    """One run under way. `pid` is the process whose network namespace a program has to enter."""

    out: Path
    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    scenarios: tuple[str, ...]
    process: subprocess.Popen[bytes] = field(repr=False)
    log: Path = field(repr=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    def command(self, argv: Sequence[str]) -> list[str]:
        """The same command inside the run's network. It replaces nsenter: its pid is the program's own."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *argv]

    @contextmanager
    def attached(self, argv: Sequence[str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
        """A program inside the run's network, ended with the block; stdout and stderr go to `output`."""
        with output.open("ab") as sink:
            program = subprocess.Popen(
                self.command(argv), stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
            )
        try:
            yield program
        finally:
            program.terminate()
            try:
                program.wait(timeout=20)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()

    def wait(self, seconds: float = RUN_SECONDS) -> None:
        """Until the PBX has stopped and its recordings and truth.json lie in `out`."""
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise LabError(f"not finished after {seconds:.0f} s: {_tail(self.log)}") from None
        if code != 0:
            raise LabError(f"the run ended with {code}: {_tail(self.log)}")
        played = {scenario["name"] for scenario in json.loads((self.out / "plan.json").read_bytes())}
        if unknown := set(self.scenarios) - played:  # left out without a word
            raise LabError(f"the laboratory knows no scenario {', '.join(sorted(unknown))}")


@dataclass(frozen=True)
class Lab:
    """The laboratory, where it can run."""

    folder: Path

    @classmethod
    def found(cls) -> Lab | None:
        """None where it cannot run; `why_not` tells why."""
        return None if why_not() else cls(LAB)

    def up(self) -> None:
        """Install what it needs, unless that is done: 90 s, with a Debian mirror."""
        HOME.mkdir(parents=True, exist_ok=True)
        with (HOME / "up.lock").open("w") as lock, (HOME / "up.log").open("ab") as log:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two workers, one apt
            if _is_up():
                return
            command = [sys.executable, str(self.folder / "pbxlab"), "up"]
            process = _started(command, log)
            try:
                code = process.wait(timeout=UP_SECONDS)
            except subprocess.TimeoutExpired:
                raise LabError(f"`pbxlab up` took more than {UP_SECONDS} s") from None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)  # it and the apt it had started
                    process.wait()
        if code != 0:
            raise LabError(f"`pbxlab up` ended with {code}: {_tail(HOME / 'up.log')}")

    @contextmanager
    def run(
        self,
        out: Path,
        *,
        only: Sequence[str],
        width: int = 12,
        seed: int = 1,
        breaks: Sequence[str] = (),
    ) -> Iterator[Run]:
        """Start a run and hand it over as soon as AMI listens, before the first call; gone with the block.

        `out` must not exist yet; what the laboratory prints goes to a file beside it. `breaks` are such as
        "restart@0.4" (core stop now, 4 s of nothing, start) and "crash@0.7" (SIGKILL instead), at a part of
        the planned length; "ami_gap@0.2" sends only the laboratory's own recorder away, for 45 s.
        """
        name = f"callstats-{secrets.token_hex(4)}"  # its folder in the chroot, and runs can go side by side
        log = out.with_name(out.name + ".log")
        manager = _manager(self.folder)
        arguments = ["run", "--out", str(out), "--name", name, "--seed", str(seed), "--width", str(width)]
        arguments += ["--only", ",".join(only), "--breaks", ",".join(breaks)]
        # The kernel ends the run, too, should this process die: nobody would be left to do it.
        command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, str(self.folder / "pbxlab")]
        with log.open("ab") as sink:
            process = _started(command + arguments, sink)
        run = Run(out, *manager, tuple(only), process, log)
        try:
            _until(run, lambda: _network(run.pid) != _network(os.getpid()), "its own network")
            _until(run, lambda: _listens(run.pid, run.port), "AMI")
            yield run
        finally:
            _end(process)
            shutil.rmtree(HOME / "sid" / "srv" / name, ignore_errors=True)


@cache
def why_not() -> str | None:
    """Why the laboratory cannot run here; None where it can."""
    if not (LAB / "pbxlab").is_file():
        return "the laboratory (../shared/pbx/lab) is not beside this project"
    if sys.platform != "linux" or os.geteuid() != 0:
        return "the laboratory needs Linux and root"
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"the laboratory needs {', '.join(missing)}"
    if not _is_up() and not _has_mirror():
        return "no Debian mirror in /etc/apt to install the PBX from"
    tried = subprocess.run(NAMESPACES, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"no namespaces of its own for a run: {tried.stderr.strip()}"
    return None


def lab_or_skip() -> Lab:
    """The laboratory, installed. A machine where that is not possible skips and says why."""
    reason = why_not() or _why_not_up()
    if reason is not None:
        pytest.skip(f"no PBX: {reason}")
    return Lab(LAB)


@cache
def _why_not_up() -> str | None:
    """Installs, once for all tests: what failed takes long to fail again."""
    try:
        Lab(LAB).up()
    except LabError as e:
        return str(e)
    return None


def _started(command: list[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        # The laboratory lies in a folder that is not ours to write to: no __pycache__ there.
        env=os.environ | {"PBXLAB_HOME": str(HOME), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C goes to pytest, which then ends it in order
    )


def _is_up() -> bool:
    """`pbxlab up` makes the time zone a plain file when everything else is installed."""
    zone = HOME / "sid" / "etc" / "localtime"
    return zone.is_file() and not zone.is_symlink() and shutil.which("sipp") is not None


def _has_mirror() -> bool:
    apt = Path("/etc/apt")
    sources = [apt / "sources.list", *(apt / "sources.list.d").glob("*")]
    return any("/debian" in path.read_text(errors="replace") for path in sources if path.is_file())


def _manager(folder: Path) -> tuple[str, int, str, str]:
    """Host, port, user and secret of AMI, as the laboratory's PBX has them."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(folder / "etc" / "manager.conf", encoding="utf-8")
    general = settings["general"]
    user = next(name for name in settings.sections() if name != "general")
    return general["bindaddr"], general.getint("port", 5038), user, settings[user]["secret"]


def _network(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:  # ended meanwhile: `_until` tells
        return _network(os.getpid())


def _listens(pid: int, port: int) -> bool:
    """Read in the kernel's list of the run's own network: a connection would be seen in its recordings."""
    try:
        rows = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return False
    return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in rows)


def _until(run: Run, holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        if run.process.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"the run has not come as far as {what}: {_tail(run.log)}")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the first process of the run's pid namespace: the kernel ends all others before it is gone."""
    if process.poll() is None:
        with suppress(OSError):
            for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()
    process.wait()


def _tail(log: Path, lines: int = 5) -> str:
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return " | ".join(text.splitlines()[-lines:]) or "(it printed nothing)"
