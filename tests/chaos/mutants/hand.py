"""`python -m tests.chaos.mutants.hand MUTANT`: a process that sends the mails that are due, built wrongly, and ends."""

from __future__ import annotations

import sys

import app
from plugin.jobs.celery import make_celery
from plugin.messages import sending
from tests.chaos.mutants.broken import MUTANTS


def main(mutant: str) -> None:
    make_celery().set_default()
    app._wire()
    MUTANTS[mutant]()
    sending.send_due()


if __name__ == "__main__":
    main(sys.argv[1])
