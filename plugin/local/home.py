"""Where the product keeps its things on one machine, and under which ports it is reached.

REGULARS_HOME (default `.regulars`) and REGULARS_PORT (default 8800, the first of five) move it: two can run side by
side.
"""

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from plugin.local import ports
from plugin.local.errors import DiskFull, LocalError

DEFAULT_PORT = 8800
NEEDED_BYTES = 700_000_000
CONTENTS = ("postgres", "valkey", "sandbox", "beat", "logs", "secrets.json", "demo.json")


@dataclass(frozen=True)
class Home:
    """One installation: a folder and five ports in a row."""

    path: Path
    port: int

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Home":
        """Reads both variables. Raises LocalError when the port is none."""
        written = env.get("REGULARS_PORT") or str(DEFAULT_PORT)
        if not written.isdigit() or not 1024 <= int(written) <= 65531:
            raise LocalError(f"REGULARS_PORT is {written!r}: it must be a number from 1024 to 65531.")
        return cls(Path(env.get("REGULARS_HOME") or ".regulars").resolve(), int(written))

    @property
    def ports(self) -> dict[str, int]:
        """What listens where, in the order of the ports."""
        names = ("web", "sandbox", "mail", "postgres", "valkey")
        return {name: self.port + place for place, name in enumerate(names)}

    def url(self, name: str, path: str = "") -> str:
        """The loopback URL of web or sandbox."""
        return f"http://{ports.LOOPBACK}:{self.ports[name]}{path}"

    def log(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    @property
    def announcement(self) -> Path:
        """The file that tells programs where everything is, present while the demo is ready."""
        return self.path / "demo.json"

    def require_room(self) -> None:
        """Raises PortInUse or DiskFull before anything has been started."""
        for name, port in self.ports.items():
            ports.require_free(port, name)
        existing = next(folder for folder in (self.path, *self.path.parents) if folder.exists())
        free = shutil.disk_usage(existing).free
        if free < NEEDED_BYTES:
            raise DiskFull(
                f"{self.path} has {free / 1e6:.0f} MB free and the demo needs {NEEDED_BYTES / 1e6:.0f}: "
                f"free some space, or set REGULARS_HOME to a folder on another disk."
            )

    def erase(self) -> None:
        """Removes what the product made here, and nothing else that may be in the folder."""
        for name in CONTENTS:
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def secrets(self) -> dict[str, str]:
        """The client id and secret and the encryption key of this installation, made once."""
        path = self.path / "secrets.json"
        if not path.exists():
            write_private(path, _fresh_secrets())
        known: dict[str, str] = json.loads(path.read_text())
        return known


def write_private(path: Path, content: object) -> None:
    """Writes JSON that only its owner may read; whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with open(draft, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    draft.replace(path)


def _fresh_secrets() -> dict[str, str]:
    return {
        "client_id": secrets.token_hex(16),
        "client_secret": f"shpss_{secrets.token_hex(16)}",
        "encryption_key": Fernet.generate_key().decode(),
    }
