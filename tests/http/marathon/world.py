"""Marathon's site over fake transports, and a tree of apps to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from mesostw.core.marathon.changes import AppChanged, InstanceChanged, Told, VersionKept
from mesostw.core.marathon.events import Event
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.reasons import QueueReport, WhyReport
from mesostw.core.marathon.records import Action, ActionKind, Deployment, Instance
from mesostw.core.marathon.state import MarathonState
from mesostw.core.outcome import Moment
from mesostw.core.story import Line
from mesostw.feed.changes import Feed
from mesostw.http.marathon.parts import MarathonIdentity, MarathonParts
from mesostw.http.marathon.site import marathon_site
from mesostw.interfaces import GivenUp, IInbox
from mesostw.model.apps import App, AppId, DeploymentId, Stamp
from tests.core.marathon.builders import V1, V2, V3, app, instance
from tests.http.world import WALL, Answer, Visit, WallClock

ADDRESS = "10.0.0.1:8080"
#: Versions are UTC with exactly three decimals.
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@implementer(IInbox)
class Core:
    """Answers questions as it was told to, and remembers them."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answers: list[Struct | None] = []
        #: Whether it is about to stop, or does not answer at all.
        self.stopped = self.silent = False
        self.queued: tuple[QueueReport, ...] = ()
        self.reasons: dict[AppId, WhyReport] = {}
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

    def queue(self, now: Moment) -> Sequence[QueueReport]:
        return self.queued

    def why(self, app_id: AppId, now: Moment) -> WhyReport | None:
        return self.reasons.get(app_id)

    def story(self, key: str) -> tuple[Line, ...]:
        return self.stories.get(key, ())


class MarathonWorld:
    """A site over a state that a test changes by hand."""

    def __init__(self, address: str = ADDRESS, **parts: Any) -> None:
        self.clock = WallClock()
        self.feed: Feed[Any, Any] = Feed(MarathonState(), identity="marathon")
        self.core = Core()
        self.leader: str | None = ""
        self.abdications = 0
        self.address = address
        self.parts = MarathonParts(
            **{
                "feed": self.feed,
                "inbox": self.make_inbox(),
                "clock": self.clock,
                "reports": self.core,
                "identity": MarathonIdentity(
                    address=address, started=WALL - 60, flags={"master": "10.0.0.1:5050"}
                ),
                "flags": MarathonFlags(),
                "leader": lambda: self.leader,
                "abdicate": self._abdicate,
                **parts,
            }
        )
        self.site = marathon_site(self.parts)
        self.feed.begin(1)

    def make_inbox(self) -> Any:
        """Who answers questions."""
        return self.core

    def _abdicate(self) -> None:
        self.abdications += 1

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
        """One request; ``body`` is sent as JSON, or as it is if it is bytes."""
        data = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            data = msgspec.json.encode(body)
        return self.visit().ask(method, path, data, headers)

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

    def add(self, *things: App | Instance) -> None:
        """Have apps and instances be there."""
        for thing in things:
            if isinstance(thing, App):
                self.publish(AppChanged(thing), VersionKept(thing))
            else:
                self.publish(InstanceChanged(thing))

    def tell(self, *events: Event) -> None:
        """Have something have happened."""
        self.publish(*(Told(event) for event in events))


def deployment(*app_ids: str, name: str = "d-1", **others: Any) -> Deployment:
    """A deployment that scales apps in one step."""
    actions = tuple(Action(ActionKind.SCALE, AppId(one), target=1) for one in app_ids)
    fields: dict[str, Any] = {
        "id": DeploymentId(name),
        "version": V2,
        "steps": (actions,),
        "started": WALL - 5,
    }
    return Deployment(**{**fields, **others})


__all__ = ["V1", "V2", "V3", "MarathonWorld", "Stamp", "app", "deployment", "instance"]
