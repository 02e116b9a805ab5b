"""Make `.venv` hold what the lock files say, and callstats itself; done at once if nothing changed.

    python3 tools/install.py run    what callstats needs        (requirements.lock)
    python3 tools/install.py dev    and what its checks need    (requirements-dev.lock)
    python3 tools/install.py spark  Spark, beside the checks    (requirements-spark.lock)

Standard library only. A stamp in `.venv` tells what was installed; a folder that was moved, or another
Python, makes the environment anew.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {
    "run": "requirements.lock",
    "dev": "requirements-dev.lock",
    "spark": "requirements-spark.lock",
}
STAMP = "installed.json"


def digest(*paths: Path) -> str:
    """SHA-256 over the contents of the files."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def ground(venv: Path) -> dict[str, str]:
    """What must be unchanged for the environment itself to be of use."""
    return {"python": f"{os.path.realpath(sys.executable)} {sys.version.split()[0]}", "folder": str(venv)}


def read_stamp(venv: Path) -> dict[str, str]:
    """What the stamp says; empty when there is none or it is damaged."""
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def wanted(root: Path, what: str) -> str:
    """The digest that the stamp must hold for `what`."""
    return digest(root / LOCKS[what], root / "pyproject.toml")


def is_current(stamp: Mapping[str, str], root: Path, what: str) -> bool:
    """Whether nothing is to do; a development environment also holds what runs."""
    if any(stamp.get(key) != value for key, value in ground(root / ".venv").items()):
        return False
    return any(
        stamp.get(held) == wanted(root, held) for held in ((what, "dev") if what == "run" else (what,))
    )


def run(*command: str | Path) -> None:
    """Run it without input; a failure ends everything with its own message."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        sys.exit(f"set-up failed (exit status {done.returncode}): {' '.join(map(str, command))}")


def usable(venv: Path, stamp: Mapping[str, str]) -> bool:
    """Whether the environment is of this Python and in the folder that it was made for."""
    if any(stamp.get(key, value) != value for key, value in ground(venv).items()):
        return False
    ask = [str(venv / "bin" / "python"), "-c", "import sys; print(sys.version)"]
    try:
        answer = subprocess.run(ask, capture_output=True, stdin=subprocess.DEVNULL, text=True, check=False)
    except OSError:
        return False
    return answer.stdout.strip() == sys.version.strip()


def install(what: str) -> None:
    """Bring `.venv` to what the lock says."""
    venv = ROOT / ".venv"
    if what == "spark":  # it comes as source: setuptools, which packs it, is of the development environment
        install("dev")
    stamp = read_stamp(venv)
    if is_current(stamp, ROOT, what):
        return
    (venv / STAMP).unlink(missing_ok=True)
    if not usable(venv, stamp):
        stamp = {}
        run(sys.executable, "-m", "venv", "--clear", venv)
    print(f"installing {LOCKS[what]} into .venv", flush=True)
    python = str(venv / "bin" / "python")
    pip = (python, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check", "install")
    run(*pip, *(["--no-build-isolation"] if what == "spark" else []), "--require-hashes", "-r", LOCKS[what])
    # the lock holds the build backend too, so nothing is fetched that the lock does not name
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ".")
    held = {name: stamp[name] for name in LOCKS if name in stamp} | ground(venv) | {what: wanted(ROOT, what)}
    (venv / STAMP).write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    install(sys.argv[1])
