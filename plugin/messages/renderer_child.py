"""The process in which templates are compiled and filled: little memory, little time, no secrets, no open files.

Protocol on stdin and stdout: four bytes of length (big-endian), then JSON. A request that takes more processor time
than it may, or more memory than there is, kills this process and nothing else; the parent starts a new one.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from typing import IO, Any, Final

from plugin.errors import Invalid
from plugin.messages import rendering

MEMORY_BYTES: Final = 400 * 1024 * 1024
OPEN_FILES: Final = 32
LENGTH_BYTES: Final = 4


def main() -> None:
    """Answer requests until stdin ends."""
    _limit()
    while (request := read(sys.stdin.buffer)) is not None:
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])
        answer = _answers(request)
        signal.setitimer(signal.ITIMER_PROF, 0)
        write(sys.stdout.buffer, answer)


def read(stream: IO[bytes]) -> Any:
    """The next message of a stream, None at its end."""
    head = stream.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    return json.loads(stream.read(int.from_bytes(head, "big")))


def write(stream: IO[bytes], message: Any) -> None:
    """One message to a stream."""
    body = json.dumps(message).encode()
    stream.write(len(body).to_bytes(LENGTH_BYTES, "big") + body)
    stream.flush()


def _limit() -> None:
    """Memory and files by the kernel; processor time by a timer whose signal nobody handles, so it kills."""
    if sys.platform == "linux":  # macOS refuses this limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answers(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [_answer(job, request["templates"]) for job in request["jobs"]]


def _answer(job: dict[str, Any], templates: dict[str, Any]) -> dict[str, Any]:
    try:
        return _do(job, templates)
    except Invalid as error:
        return {"invalid": error.sentence, "values": error.values, "field": error.field}
    except MemoryError:
        return {"invalid": "The template needs too much memory: it was stopped."}


def _do(job: dict[str, Any], templates: dict[str, Any]) -> dict[str, Any]:
    if job["do"] == "compile":
        return {"html": rendering.compile_mjml(job["mjml"])}
    if job["do"] == "check":
        return {"html": _checked(job)}
    template = templates[job["template"]]
    if job["subject"] is not None:
        template = {**template, "subject": job["subject"]}
    mail = rendering.render(**template, context=job["context"])
    return {"subject": mail.subject, "html": mail.html, "text": mail.text}


def _checked(job: dict[str, Any]) -> str:
    html = rendering.compile_mjml(job["mjml"])
    rendering.check(job["subject"], job["preheader"], html, job["text"])
    return html


if __name__ == "__main__":
    main()
