"""
Apps as they are seen from outside: who answers, how many run, and for how long that was so.

The witness knows nothing of deployments.  It learns addresses from the API as any client
does, asks every one of them again and again, and looks at processes.  It errs in favour of
the cluster, by one question at most: an instance counts as serving from the last question
that it failed before to the first that it failed after, and only processes that were there
at one and the same moment are counted together.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from mesostw.launching import processtree
from tests.functional.marathon.asking import Marathon

#: Between two lists of instances, in seconds.
LIST_S = 0.05
#: Of one question, in seconds.
PATIENCE_S = 5.0


class Question(NamedTuple):
    """One question whether an instance serves."""

    asked: float
    answered: float
    served: bool


class Rule(NamedTuple):
    """From ``since`` on at least so many serve, and at most so many run."""

    since: float
    least: int
    most: int


class Watched:
    """One instance, by its task."""

    def __init__(self, task_id: str, host: str, port: int) -> None:
        self.task_id = task_id
        self.address = (host, port)
        self.asked: list[Question] = []

    def ask(self) -> bool:
        """Ask once more; whether it served."""
        began = time.monotonic()
        answer = b""
        with contextlib.suppress(OSError):
            answer = self._asked()
        # Another task may have got the port.
        served = b" 200 " in answer[:16] and answer.endswith(self.task_id.encode())
        self.asked.append(Question(began, time.monotonic(), served))
        return served

    def _asked(self) -> bytes:
        answer = b""
        with socket.create_connection(self.address, PATIENCE_S) as link:
            link.sendall(b"GET /health HTTP/1.1\r\nHost: witness\r\n\r\n")
            while more := link.recv(4096):
                answer += more
        return answer

    def served(self, born: float) -> Iterator[tuple[float, float]]:
        """From when until when it served, at the most; never before it was born."""
        began: float | None = None
        failed = born
        for one in self.asked:
            if one.served and began is None:
                began = failed
            elif not one.served:
                if began is not None:
                    yield began, one.answered
                began, failed = None, one.asked
        if began is not None:
            yield began, float("inf")


class Life(NamedTuple):
    """One process of a servant."""

    task_id: str
    pid: int
    born: float
    version: str


class Witness:
    """Watches all apps whose ids begin with ``group``, until it is closed."""

    def __init__(self, marathon: Marathon, group: str, runs: Path) -> None:
        self._marathon, self._group, self._runs = marathon, group, runs
        self._prefix = group.strip("/").replace("/", "_") + "_"
        self._watched: dict[str, Watched] = {}
        self._rules: defaultdict[str, list[Rule]] = defaultdict(list)
        self._counts: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        self._lives: dict[str, list[Life]] = {}
        self._dead: set[Life] = set()
        self.rounds = 0
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._list, self._hammer)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_S)

    # --- looking ---------------------------------------------------------------

    def _list(self) -> None:
        """Learn addresses; while Marathon is away those that are known are asked."""
        path = f"/v2/apps?id={self._group}/&embed=apps.tasks"
        while not self._closed.wait(LIST_S):
            try:
                apps = self._marathon.ask("GET", path).body["apps"]
            except (OSError, http.client.HTTPException, TypeError, KeyError, ValueError):
                continue
            for task in (one for app in apps for one in app["tasks"]):
                if task["ports"] and task["id"] not in self._watched:
                    watched = Watched(task["id"], task["host"], task["ports"][0])
                    self._watched[task["id"]] = watched

    def _hammer(self) -> None:
        over: set[str] = set()
        while not self._closed.wait(0.002):
            self._count()
            for task_id, watched in list(self._watched.items()):
                if task_id not in over and not watched.ask() and self._is_over(task_id):
                    over.add(task_id)
            self.rounds += 1

    def _is_over(self, task_id: str) -> bool:
        lives = self._lives.get(task_id, ())
        return bool(lives) and all(one in self._dead for one in lives)

    def _count(self) -> None:
        """Count processes: those that had begun at a moment and are there after it."""
        self._read()
        now = time.monotonic()
        counts: defaultdict[str, int] = defaultdict(int)
        for lives in self._lives.values():
            for life in lives:
                if life not in self._dead and not _is_alive(life.pid):
                    self._dead.add(life)
                elif life not in self._dead:
                    counts[_app_of(life.task_id)] += 1
        for app, count in counts.items():
            self._counts[app].append((now, count))

    def _read(self) -> None:
        for file in self._runs.iterdir():
            if file.name.startswith(self._prefix):
                lines = file.read_text().splitlines(keepends=True)
                if len(lines) != len(self._lives.get(file.name, ())):
                    whole = (json.loads(line) for line in lines if line.endswith("\n"))
                    self._lives[file.name] = [
                        Life(one["task"], one["pid"], one["born"], one["version"]) for one in whole
                    ]

    # --- judging ---------------------------------------------------------------

    def rule(self, app_id: str, least: int, most: int) -> None:
        """From now on another rule holds for an app."""
        self._rules[_name(app_id)].append(Rule(time.monotonic(), least, most))

    def lives(self, app_id: str) -> list[Life]:
        """Every process that an app has ever had."""
        self._read()
        name = _name(app_id)
        found = [one for lives in list(self._lives.values()) for one in lives]
        return [one for one in found if _app_of(one.task_id) == name]

    def alive(self, app_id: str) -> list[Life]:
        """The processes that an app has now."""
        return [one for one in self.lives(app_id) if _is_alive(one.pid)]

    def is_alive(self, task_id: str) -> bool:
        """Whether a task has a process now."""
        self._read()
        return any(_is_alive(one.pid) for one in self._lives.get(task_id, ()))

    def serving(self, app_id: str) -> set[str]:
        """Tasks that served when they were asked last."""
        name = _name(app_id)
        return {
            one.task_id
            for one in list(self._watched.values())
            if _app_of(one.task_id) == name and one.asked and one.asked[-1].served
        }

    def ended(self, task_id: str) -> float:
        """When a task served no more; infinite while it does."""
        *_, (_, ended) = self._watched[task_id].served(float("-inf"))
        return ended

    def broken(self) -> list[str]:
        """What speaks against the rules, and against having started each task once."""
        found: list[str] = []
        for name, rules in self._rules.items():
            until = [*(rule.since for rule in rules[1:]), time.monotonic()]
            for rule, end in zip(rules, until, strict=True):
                found += self._too_few(name, rule, end)
                found += self._too_many(name, rule, end)
        found += [
            f"{task_id} was started {len(lives)} times"
            for task_id, lives in self._lives.items()
            if len(lives) > 1
        ]
        return found

    def story(self) -> str:
        """Who was born, served and ended when, in seconds from the first rule, for who asks why."""
        zero = min((one.since for rules in self._rules.values() for one in rules), default=0.0)
        lines = []
        for task_id in sorted({*self._watched, *self._lives}):
            lives, watched = self._lives.get(task_id, []), self._watched.get(task_id)
            born = [f"{one.born - zero:.3f}" for one in lives]
            spans = watched.served(lives[0].born if lives else zero) if watched else ()
            served = [f"{began - zero:.3f} to {ended - zero:.3f}" for began, ended in spans]
            lines.append(f"{task_id}: born {born}, served {served}")
        return "\n".join(lines)

    def _too_few(self, name: str, rule: Rule, end: float) -> Iterator[str]:
        moves = [(rule.since, 0), (end, 0)]
        for watched in list(self._watched.values()):
            if _app_of(watched.task_id) == name:
                lives = self._lives.get(watched.task_id)
                for began, ended in watched.served(lives[0].born if lives else rule.since):
                    if began < end and ended > rule.since:
                        moves.append((max(began, rule.since), 1))
                        moves.append((min(ended, end), -1))
        gaps: list[tuple[float, float, int]] = []
        serving = 0
        for (at, move), (later, _) in pairwise(sorted(moves)):
            serving += move
            if serving < rule.least and later > at:
                if gaps and gaps[-1][1] == at:
                    gaps[-1] = (gaps[-1][0], later, min(serving, gaps[-1][2]))
                else:
                    gaps.append((at, later, serving))
        for began, ended, worst in gaps:
            yield (
                f"{name}: {worst} instead of {rule.least} served for {ended - began:.3f} s, "
                f"{began - rule.since:.3f} s after the rule began"
            )

    def _too_many(self, name: str, rule: Rule, end: float) -> Iterator[str]:
        for at, count in list(self._counts[name]):
            if rule.since <= at < end and count > rule.most:
                yield (
                    f"{name}: {count} instead of {rule.most} ran "
                    f"{at - rule.since:.3f} s after the rule began"
                )


def _name(app_id: str) -> str:
    return app_id.strip("/").replace("/", "_")


def _app_of(task_id: str) -> str:
    return task_id.partition(".")[0]


def _is_alive(pid: int) -> bool:
    found = processtree.stat(pid)
    return found is not None and found.state not in ("Z", "X")
