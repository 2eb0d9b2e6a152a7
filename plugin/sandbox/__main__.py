"""`python -m plugin.sandbox`: a pretend Shopify on this machine."""

import argparse
from pathlib import Path

from plugin.sandbox.server import serve
from plugin.sandbox.settings import RETRY_SECONDS, Settings


def main() -> None:
    """Read the flags and serve."""
    parser = argparse.ArgumentParser(prog="python -m plugin.sandbox", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the store's state")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--app-url", required=True, help="where the app answers")
    parser.add_argument("--app-toml", type=Path, required=True)
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--client-secret", required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--customers", type=int, default=2000, help="size of the world")
    parser.add_argument(
        "--retry-seconds", type=_seconds, default=RETRY_SECONDS, help="pauses between tries of a webhook, with commas"
    )
    flags = vars(parser.parse_args())
    serve(Settings(**flags | {"app_url": flags["app_url"].rstrip("/")}))


def _seconds(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


if __name__ == "__main__":
    main()
