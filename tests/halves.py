"""Every test but the long ones, in two processes beside each other, each with servers of its own.

What is told beside is shown when both are over.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

HEAVY = ("tests/plugin/sync", "tests/plugin/effects", "tests/plugin/watching")
PYTEST = (sys.executable, "-m", "pytest", "-m", "not long")
FEATURES = (*PYTEST, "tests/plugin", *(f"--ignore={folder}" for folder in HEAVY))
OTHERS = (*PYTEST, "tests", "--ignore=tests/plugin")
HEAVIEST = (*PYTEST, *HEAVY)


def main() -> int:
    """0 when everything passed."""
    with tempfile.TemporaryFile("w+") as told:
        beside = subprocess.Popen(FEATURES, stdout=told, stderr=subprocess.STDOUT)
        try:
            shown = [subprocess.run(half, check=False).returncode for half in (OTHERS, HEAVIEST)]
            failed = any([*shown, beside.wait()])
        finally:
            beside.terminate()
            beside.wait()
        told.seek(0)
        sys.stdout.write(told.read())
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
