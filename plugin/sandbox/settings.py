"""How the pretend store was started."""

from dataclasses import dataclass
from pathlib import Path

# The real store tries again eight times within four hours; here an hour is a minute, by the machine's clock.
RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 20.0, 40.0, 65.0, 100.0)


@dataclass(frozen=True)
class Settings:
    """Flags of the command line. The app's client secret signs webhooks, proxy requests and launches."""

    home: Path
    port: int
    smtp_port: int
    app_url: str
    app_toml: Path
    client_id: str
    client_secret: str
    seed: int = 7
    customers: int = 2000
    retry_seconds: tuple[float, ...] = RETRY_SECONDS
    answer_seconds: float = 5.0
    senders: int = 4

    @property
    def store_url(self) -> str:
        """Where this store answers."""
        return f"http://127.0.0.1:{self.port}"
