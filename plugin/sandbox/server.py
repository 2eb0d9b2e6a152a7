"""The process: web server, sender of webhooks, mailbox; stopped by SIGINT or SIGTERM."""

import logging
import signal
import socket
import sys
import threading
from types import FrameType

from werkzeug.serving import WSGIRequestHandler, make_server

from plugin.sandbox.app import create_app
from plugin.sandbox.declaration import read_declaration
from plugin.sandbox.mailbox.inbox import Postbox
from plugin.sandbox.runtime import build, start, stop
from plugin.sandbox.seed.build import seed_if_empty
from plugin.sandbox.settings import Settings


class _Handler(WSGIRequestHandler):
    """Keeps connections open and writes no line per request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def serve(settings: Settings) -> None:
    """Run until a signal comes; prints one line when everything listens. `SystemExit` with a sentence: port taken."""
    for port in (settings.port, settings.smtp_port):
        _check_free(port)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    store = build(settings, read_declaration(settings.app_toml))
    seed_if_empty(store.world, settings.seed, store.world.now().date(), settings.customers)
    server = make_server("127.0.0.1", settings.port, create_app(store), threaded=True, request_handler=_Handler)
    postbox = Postbox(store.world, settings.smtp_port)
    postbox.start()
    start(store)
    threading.Thread(target=server.serve_forever, name="web", daemon=True).start()
    print("sandbox ready", flush=True)
    _wait_for_signal()
    server.shutdown()
    postbox.stop()
    stop(store)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(f"Port {port} on 127.0.0.1 is taken: choose others with --port and --smtp-port.")


def _wait_for_signal() -> None:
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    ended.wait()
