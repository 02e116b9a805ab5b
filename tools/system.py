"""See that the system has what `make` needs; as root on Debian install it, else name the one line to type.

    python3 tools/system.py run     what runs callstats: python3-venv
    python3 tools/system.py test    and what its tests need: PostgreSQL, Chromium
    python3 tools/system.py spark   what Spark needs: Java

Standard library only, because it runs before anything is installed. Exit status 1: something is missing.
"""

import ctypes.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

OLDEST, TOO_NEW = (3, 11), (3, 14)
JAVA = (17, 21)
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")


class Need(NamedTuple):
    """Something of the system: what it is, the Debian packages that bring it, and whether it is here."""

    name: str
    packages: tuple[str, ...]
    present: Callable[[], bool]


def has_venv() -> bool:
    """Debian's python3 comes without ensurepip; then `python3 -m venv` fails."""
    command = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0


def has_postgres() -> bool:
    """The server's binaries: on the PATH or where Debian puts them."""
    return bool(shutil.which("initdb")) or any(DEBIAN_POSTGRES.glob("*/bin/initdb"))


def has_chromium() -> bool:
    """The browser of the page tests, and the library that Playwright's driver needs to steer it."""
    return bool(shutil.which("chromium") and ctypes.util.find_library("atomic"))


def has_java() -> bool:
    """Java 17 or 21: the one of JAVA_HOME, else on the PATH."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin") if home else None)
    if java is None:
        return False
    done = subprocess.run([java, "-version"], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    said = re.search(rb'version "(\d+)', done.stderr + done.stdout)
    return said is not None and int(said[1]) in JAVA


RUN = (Need("Python's venv module", ("python3-venv",), has_venv),)
TEST = (
    *RUN,
    Need("a PostgreSQL server", ("postgresql",), has_postgres),
    Need("Chromium", ("chromium", "fonts-dejavu-core", "libatomic1"), has_chromium),
)
SPARK = (*RUN, Need("Java 17 or 21", ("openjdk-17-jre-headless",), has_java))


def missing(needs: Iterable[Need]) -> list[Need]:
    """The needs that are not met."""
    return [need for need in needs if not need.present()]


def advice(needs: Iterable[Need]) -> str:
    """The one line that tells what to type."""
    needs = list(needs)
    packages = " ".join(package for need in needs for package in need.packages)
    names = ", ".join(need.name for need in needs)
    return f"missing: {names}; type: sudo apt-get update && sudo apt-get install --yes {packages}"


def install(needs: Iterable[Need]) -> bool:
    """Install with apt; False when apt failed (it has then said why)."""
    packages = [package for need in needs for package in need.packages]
    print(f"installing with apt: {' '.join(packages)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"]
    commands = [[*apt, "update"], [*apt, "install", "--yes", "--no-install-recommends", *packages]]
    return all(succeeds(command, environment) for command in commands)


def succeeds(command: list[str], environment: dict[str, str]) -> bool:
    """Run it without input; show its output only when it fails."""
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    """Check the named set, mend what can be mended."""
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        print(f"{sys.executable} is Python {sys.version.split()[0]}; callstats needs 3.11 to 3.13"
              " (choose another with: make PYTHON=python3.12 …)", file=sys.stderr)  # fmt: skip
        return 1
    lacking = missing({"run": RUN, "test": TEST, "spark": SPARK}[arguments[0]])
    if lacking and os.geteuid() == 0 and shutil.which("apt-get"):
        install(lacking)
        lacking = missing(lacking)
    if lacking:
        print(advice(lacking), file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
