"""Makes `.venv` from the lock files. Run by whichever Python the machine has, so it uses the standard library alone.

Nothing happens when the locks are those of the last run. Every package is checked against its hash; two pure-Python
source distributions are built, with pinned build tools; everything else is a wheel, so no compiler is ever needed.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / "installed-locks"
LOCKS = ("requirements-build.lock", "requirements-dev.lock")
INPUTS = (*LOCKS, "pyproject.toml")
SOURCE_DISTRIBUTIONS = "shopifyapi,pyactiveresource"
OLDEST_PYTHON = (3, 11)
LAST_LINES = 4
# What would send packages elsewhere, or leave them uncompiled and every start slow.
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PYTHONDONTWRITEBYTECODE")


def main() -> None:
    """Installs, or says in one sentence what is missing and exits with 1."""
    if sys.version_info < OLDEST_PYTHON:
        wanted, found = ".".join(map(str, OLDEST_PYTHON)), sys.version.split()[0]
        sys.exit(
            f"Regulars needs Python {wanted} or newer and this is {found}: run `make PYTHON=/path/to/newer/python`."
        )
    if STAMP.exists() and STAMP.read_text() == digest() and python().exists():
        return
    print("Installing Python packages into .venv (once, about a minute) ...", flush=True)
    if not python().exists():
        create_venv()
    for lock in LOCKS:
        pip("--require-hashes", "--only-binary=:all:", "--no-binary=" + SOURCE_DISTRIBUTIONS, "-r", str(ROOT / lock))
    pip("--no-deps", "--no-index", "--config-settings=editable_mode=compat", "-e", str(ROOT))
    STAMP.write_text(digest())


def python() -> Path:
    return VENV / "bin" / "python"


def digest() -> str:
    """Changes with the locks and the project's metadata."""
    total = hashlib.sha256()
    for name in INPUTS:
        total.update((ROOT / name).read_bytes())
    return total.hexdigest()


def create_venv() -> None:
    result = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{sys.executable} cannot make a virtual environment (on Debian: apt install python3-venv).")


def pip(*arguments: str) -> None:
    """One `pip install`; its output is shown only when it fails, and then only the end."""
    command = [str(python()), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-build-isolation"]
    result = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment())
    if result.returncode:
        reason = " / ".join((result.stderr or result.stdout).strip().splitlines()[-LAST_LINES:])
        sys.exit(f"Installing Python packages failed: {explanation(reason)} pip said: {reason}")


def environment() -> "dict[str, str]":
    """Ours, without what pip must not hear."""
    return {name: value for name, value in os.environ.items() if name not in FOREIGN}


def explanation(reason: str) -> str:
    """What usually causes it, for the reader who has never seen pip."""
    causes = {
        "No space left": "the disk is full.",
        "No matching distribution": "no ready-made package for this Python or machine (or no network).",
        "Could not find a version": "no ready-made package for this Python or machine (or no network).",
        "THESE PACKAGES DO NOT MATCH THE HASHES": "a package differs from the one that was tested.",
        "gcc": "a C compiler is missing (on Debian: apt install build-essential).",
        "Connection": "the network is not reachable.",
    }
    return next((text for sign, text in causes.items() if sign in reason), "see below.")


if __name__ == "__main__":
    main()
