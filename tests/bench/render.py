"""render: mails judged, rendered, kept and sent to a sink, a second, next to one prepared message in smtplib's loop.

The sink is a process of its own and the same for both.
"""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from time import monotonic, sleep

from plugin.config import config
from plugin.db import engine as db
from plugin.local.ports import free_port, is_open
from plugin.messages import operations as messages
from plugin.messages import sending
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.bench.figures import Figure, of_rounds, seconds
from tests.bench.house import House, make_shop

MAILS = 300
ROUNDS = 3
GOAL = 0.5
CONTEXT = {"reward_title": "5 off", "code": "ABC", "url": "https://shop.example", "currency": "EUR"}


def run(house: House) -> Figure:
    shop = make_shop(house, 701)
    with sink() as port:
        os.environ["SMTP_URL"] = f"smtp://127.0.0.1:{port}?from=mail@shop.example"
        config.cache_clear()
        _ours(shop, "warm", 20)
        rounds = [(_ours(shop, str(number), MAILS), _theirs(port, house, shop)) for number in range(ROUNDS)]
    return of_rounds("render", rounds, GOAL, detail={"unit": "mails/s", "mails": MAILS})


def _ours(shop: Shop, name: str, many: int) -> float:
    with db.transaction(shop.id) as session:
        for number in range(many):
            messages.queue(
                session,
                shops.shop(session),
                kind="test",
                key=f"{name}:{number}",
                marketing=True,
                email=f"person{number}.{name}@example.com",
                customer_id=None,
                template="reward",
                context=CONTEXT,
            )
    taken = 0

    def send() -> None:
        nonlocal taken
        taken = sending.send_due(60)

    rate = many / seconds(send)
    assert taken == many, taken
    return rate


def _theirs(port: int, house: House, shop: Shop) -> float:
    with house.owner() as owner:
        last = owner.execute("SELECT html, text FROM messages WHERE shop_id = %s LIMIT 1", [shop.id]).fetchone()
    assert last and last[0]
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "mail@shop.example", "anna@example.com", "Your code"
    mail.set_content(last[1], cte="quoted-printable")
    mail.add_alternative(last[0], subtype="html", cte="quoted-printable")
    prepared = mail.as_bytes(policy=SMTP)

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port) as server:
            for _ in range(MAILS):
                server.sendmail("mail@shop.example", ["anna@example.com"], prepared)

    return MAILS / seconds(send)


@contextmanager
def sink() -> Iterator[int]:
    """A mail server that takes everything and keeps nothing; its port."""
    port = free_port()
    command = ["-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Sink"]
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
    try:
        ends = monotonic() + 20
        while not is_open(port):
            assert process.poll() is None and monotonic() < ends, "the sink did not start"
            sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)
