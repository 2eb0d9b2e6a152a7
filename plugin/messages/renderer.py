"""The door to rendering: a long-lived child process with limits, one per process, restarted when a template kills it.

A batch goes over in one message. When the child dies over a batch, its jobs are tried one by one, so that one bomb
stops one mail; the others go out.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any, Final

from plugin.config import ROOT
from plugin.errors import Invalid
from plugin.messages import renderer_child
from plugin.messages.rendering import Rendered

CPU_SECONDS: Final = 0.6  # of processor time for one template; a built-in one takes about a millisecond
CPU_SECONDS_EACH: Final = 0.05  # more for each further one of a batch
PATIENCE: Final = 6.0  # wall clock over processor time: the machine may be busy
STOPPED: Final = "The template takes too long or needs too much memory: it was stopped."


@dataclass(frozen=True)
class Job:
    """One mail to render: which of the templates, and what it is filled with (plain JSON values)."""

    template: str
    context: Mapping[str, Any]
    subject: str | None = None  # Liquid, instead of the template's own


class _Died(Exception):
    """The child ended or was too slow."""


class _Child:
    """One child process and its two pipes. It knows no setting of ours: its environment is empty."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "plugin.messages.renderer_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
        )

    def ask(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """The child's answer. Raises _Died, and then this child is gone."""
        ends = monotonic() + request["seconds"] + PATIENCE
        try:
            assert self.process.stdin and self.process.stdout
            renderer_child.write(self.process.stdin, request)
            self._wait(ends)
            answer: list[dict[str, Any]] | None = renderer_child.read(self.process.stdout)
        except OSError as error:
            self.end()
            raise _Died from error
        if answer is None:
            self.end()
            raise _Died
        return answer

    def end(self) -> None:
        """Kill the child and take its exit status."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                _close(pipe)

    def _wait(self, ends: float) -> None:
        assert self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, ends - monotonic())):
                raise TimeoutError


class _Pool:
    """The one child of one process. After a fork the new process has its own, with a lock nobody holds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def ask(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """The child's answer, one request at a time. Raises _Died."""
        with self._lock:
            child = self._child = self._child or _Child()
            try:
                return child.ask(request)
            except _Died:
                self._child = None
                raise


_pools: dict[int, _Pool] = {}


def compile_mjml(mjml: str) -> str:
    """MJML as an HTML page, Liquid left in place. Raises Invalid("mjml")."""
    return _one({"do": "compile", "mjml": mjml})


def compile_template(subject: str, preheader: str, mjml: str, text: str) -> str:
    """The page of a template whose other parts are readable too. Raises Invalid(part)."""
    return _one({"do": "check", "subject": subject, "preheader": preheader, "mjml": mjml, "text": text})


def check_subject(subject: str) -> None:
    """Raises Invalid("subject") when Liquid does not understand it."""
    _one({"do": "check", "subject": subject, "preheader": "", "mjml": "<mjml></mjml>", "text": ""})


def render_all(templates: Mapping[str, Any], jobs: Sequence[Job]) -> list[Rendered | Invalid]:
    """Each job's mail, or why it cannot be rendered; `templates` are template_store.Compiled by name."""
    parts = {name: _parts(template) for name, template in templates.items()}
    return [_mail(answer) for answer in _all([_asked(job) for job in jobs], parts)]


@cache
def _parts(template: Any) -> dict[str, str]:
    return {
        "subject": template.subject,
        "preheader": template.preheader,
        "html": template.html,
        "text": template.text,
    }


def _asked(job: Job) -> dict[str, Any]:
    return {"do": "render", "template": job.template, "context": dict(job.context), "subject": job.subject}


def _mail(answer: dict[str, Any]) -> Rendered | Invalid:
    return _invalid(answer) if "invalid" in answer else Rendered(**answer)


def _one(job: dict[str, Any]) -> str:
    answer = _all([job], {})[0]
    if "invalid" in answer:
        raise _invalid(answer)
    return str(answer["html"])


def _invalid(answer: dict[str, Any]) -> Invalid:
    return Invalid(answer["invalid"], answer.get("field") or "mjml", **answer.get("values") or {})


def _all(jobs: list[dict[str, Any]], templates: dict[str, Any]) -> list[dict[str, Any]]:
    if not jobs:
        return []
    seconds = CPU_SECONDS + CPU_SECONDS_EACH * (len(jobs) - 1)
    try:
        return _ask({"jobs": jobs, "templates": templates, "seconds": seconds})
    except _Died:
        return [{"invalid": STOPPED}] if len(jobs) == 1 else _one_by_one(jobs, templates)


def _one_by_one(jobs: list[dict[str, Any]], templates: dict[str, Any]) -> list[dict[str, Any]]:
    """After a batch died: each alone; a template that kills again is not tried for the others."""
    answers: list[dict[str, Any]] = []
    deadly: set[str] = set()
    for job in jobs:
        answer = {"invalid": STOPPED} if job["template"] in deadly else _all([job], templates)[0]
        if answer.get("invalid") == STOPPED:
            deadly.add(job["template"])
        answers.append(answer)
    return answers


def _ask(request: dict[str, Any]) -> list[dict[str, Any]]:
    pid = os.getpid()
    return _pools.setdefault(pid, _Pool()).ask(request)


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:  # what was still to be written to the dead
        return
