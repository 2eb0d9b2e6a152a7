"""The baseline of receive: an empty Flask route that reads its body, on the server of the Procfile."""

from __future__ import annotations

from flask import Flask, request

empty = Flask("empty")


@empty.post("/webhooks")
def webhooks() -> str:
    request.get_data()
    return ""
