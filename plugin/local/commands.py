"""The commands of the product's processes and the environment they run in: the Procfile's own, on loopback."""

import os
import shlex
import sys
from pathlib import Path

import requests

from plugin.config import ROOT
from plugin.local import ports, process
from plugin.local.home import Home

SHOP = "regulars-roasters.myshopify.com"
WATCHED = ("plugin", "webhooks", "admin_ui", "app.py", "app.toml")


def procfile() -> dict[str, str]:
    """The commands of production by the name of their process."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line.strip())


def environment(home: Home, database_url: str, owner_url: str, redis_url: str) -> dict[str, str]:
    """What web, worker, beat and release read, pointing at this machine."""
    secrets = home.secrets()
    store = home.url("sandbox")
    return base_environment() | {
        "DATABASE_URL": database_url,
        "DATABASE_OWNER_URL": owner_url,
        "REDIS_URL": redis_url,
        "SHOPIFY_API_KEY": secrets["client_id"],
        "SHOPIFY_API_SECRET": secrets["client_secret"],
        "APP_URL": home.url("web"),
        "SMTP_URL": f"smtp://{ports.LOOPBACK}:{home.ports['mail']}",
        "ENCRYPTION_KEYS": secrets["encryption_key"],
        "REGULARS_SANDBOX": "1",
        "PLATFORM_ADMIN_ORIGIN": store,
        "PLATFORM_STORE_URL": store,
        "PLATFORM_APP_BRIDGE_URL": f"{store}/app-bridge.js",
        "PLATFORM_FRAME_ANCESTORS": store,
        "HOST": ports.LOOPBACK,
        "PORT": str(home.ports["web"]),
        "BEAT_SCHEDULE": str(home.path / "beat" / "schedule"),
    }


def base_environment() -> dict[str, str]:
    """Ours, with the environment's own programs first on PATH, output as it comes, and modules compiled once."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return ours | {"PATH": path, "PYTHONUNBUFFERED": "1"}


def start(name: str, home: Home, environ: dict[str, str], reload: bool = False) -> process.Process:
    """Starts one process of the Procfile; with `reload` it starts again whenever a file changes."""
    command = ["/bin/sh", "-c", f"exec {procfile()[name]}"]
    if reload:
        command = [sys.executable, "-m", "watchfiles", shlex.join(command), *WATCHED]
    visible = {key: value for key, value in environ.items() if key != "DATABASE_OWNER_URL"}
    return process.start(name, command, home.log(name), environment=visible, directory=ROOT)


def start_release(home: Home, environ: dict[str, str]) -> process.Process:
    """Starts the Procfile's release command, the only one that may act as the owner."""
    command = ["/bin/sh", "-c", f"exec {procfile()['release']}"]
    return process.start("release", command, home.log("release"), environment=environ, directory=ROOT)


def start_erasing(home: Home, environ: dict[str, str]) -> process.Process:
    """Starts what an installation runs once a day: shops that left are deleted, which only the owner may do."""
    command = ["/bin/sh", "-c", "exec regulars privacy erase-shops"]
    return process.start("erasing", command, home.log("erasing"), environment=environ, directory=ROOT)


def start_sandbox(home: Home, customers: int) -> process.Process:
    """Starts the pretend store; its first start makes the world, which takes a while."""
    secrets = home.secrets()
    options = {
        "--home": home.path / "sandbox",
        "--port": home.ports["sandbox"],
        "--smtp-port": home.ports["mail"],
        "--app-url": home.url("web"),
        "--app-toml": ROOT / "app.toml",
        "--client-id": secrets["client_id"],
        "--client-secret": secrets["client_secret"],
        "--customers": customers,
    }
    flags = [str(part) for option in options.items() for part in option]
    command = [sys.executable, "-m", "plugin.sandbox", *flags]
    return process.start("sandbox", command, home.log("sandbox"), environment=base_environment(), directory=ROOT)


def answers(url: str) -> bool:
    """Whether the URL is answered with 200 at this moment."""
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def logged(log: Path, words: str) -> bool:
    """Whether the process has said the words."""
    return words in log.read_text(errors="replace")
