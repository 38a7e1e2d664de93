"""Chronos' site over fake transports, and jobs to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from mesostw.core.chronos.changes import (
    JobChanged,
    RunChanged,
    StandingChanged,
    Told,
    VersionKept,
)
from mesostw.core.chronos.events import ChronosEvent
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.reasons import WaitingReport, WhyReport
from mesostw.core.chronos.records import Job, Run, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.outcome import Moment
from mesostw.core.story import Line
from mesostw.feed.changes import Feed
from mesostw.http.chronos.parts import ChronosIdentity, ChronosParts
from mesostw.http.chronos.site import chronos_site
from mesostw.interfaces import GivenUp, IInbox
from mesostw.model.jobs import Instant, JobName
from tests.core.chronos.builders import STAMP, job, run, spec
from tests.http.world import WALL, Answer, Visit, WallClock

ADDRESS = "10.0.0.1:4400"
JSON = {"content-type": "application/json"}


@implementer(IInbox)
class Core:
    """Answers questions as it was told to, and remembers them."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answers: list[Struct | None] = []
        self.stopped = False
        #: Does not answer at all.
        self.silent = False
        self.queued: tuple[WaitingReport, ...] = ()
        self.reasons: dict[str, WhyReport] = {}
        self.stories: dict[str, tuple[Line, ...]] = {}

    # --- IInbox

    def tell(self, stimuli: Sequence[object]) -> None:
        raise AssertionError("the site only asks")

    def ask(self, question: Struct) -> Deferred[Struct | None]:
        self.asked.append(question)
        if self.stopped:
            return fail(GivenUp("the daemon stops"))
        if self.silent:
            return Deferred()
        return succeed(self.answers.pop(0))

    def has_room(self, resume: Any) -> bool:
        return True

    # --- Reports

    def queue(self, now: Moment) -> Sequence[WaitingReport]:
        return self.queued

    def why(self, name: JobName, now: Moment) -> WhyReport | None:
        return self.reasons.get(name)

    def story(self, key: str) -> tuple[Line, ...]:
        return self.stories.get(key, ())


class ChronosWorld:
    """A site over a state that a test changes by hand."""

    def __init__(self, **parts: Any) -> None:
        self.clock = WallClock()
        self.feed: Feed[Any, Any] = Feed(ChronosState(), identity="chronos")
        self.core = Core()
        self.leader: str | None = ""
        self.parts = ChronosParts(
            **{
                "feed": self.feed,
                "inbox": self.make_inbox(),
                "clock": self.clock,
                "reports": self.core,
                "identity": ChronosIdentity(
                    address=ADDRESS, started=WALL - 60, flags={"master": "10.0.0.1:5050"}
                ),
                "flags": ChronosFlags(),
                "leader": lambda: self.leader,
                **parts,
            }
        )
        self.site = chronos_site(self.parts)
        self.feed.begin(1)

    def make_inbox(self) -> Any:
        """Who answers questions."""
        return self.core

    # --- asking

    def visit(self) -> Visit:
        return Visit(self.site, self.clock)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; ``body`` is sent as JSON that says so, or as it is if it is bytes."""
        data = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            data = msgspec.json.encode(body)
        sent = {**(JSON if body is not None else {}), **(headers or {})}
        return self.visit().ask(method, path, data, sent)

    def get(self, path: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.visit().ask("GET", path, headers=named)

    def answering(self, *answers: Struct | None) -> Core:
        """What the core will answer next."""
        self.core.answers.extend(answers)
        return self.core

    # --- what there is

    def publish(self, *changes: object) -> None:
        self.feed.publish(changes)

    def add(self, *things: Job | Run | Standing) -> None:
        """Have jobs, runs and standings be there."""
        for thing in things:
            match thing:
                case Job():
                    self.publish(JobChanged(thing), VersionKept(thing))
                case Run():
                    self.publish(RunChanged(thing))
                case Standing():
                    self.publish(StandingChanged(thing))

    def tell(self, *events: ChronosEvent) -> None:
        """Have something have happened."""
        self.publish(*(Told(event) for event in events))


def standing(name: str, **fields: Any) -> Standing:
    """How a daily job stands at its second instant."""
    due = Instant(1_767_312_000_000)
    return Standing(**{"job": JobName(name), "due": due, "passed": 1, **fields})


__all__ = ["STAMP", "WALL", "ChronosWorld", "job", "replace", "run", "spec", "standing"]
