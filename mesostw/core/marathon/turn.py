"""One stimulus being decided on, and what Marathon's core knows only while it lives."""

from __future__ import annotations

from typing import Final

from mesostw.core.framework import naming
from mesostw.core.framework.naming import Chance, stamp_after
from mesostw.core.marathon.changes import MarathonChange, Told
from mesostw.core.marathon.events import Event
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.live import Live
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.words import MarathonEffect
from mesostw.core.outcome import Moment, Outcome
from mesostw.model.apps import AppId, DeploymentId, InstanceId, Stamp

_TASK_SUFFIX: Final = "._app.1"


class Names(naming.Names):
    """Names of what Marathon makes."""

    def deployment_id(self) -> DeploymentId:
        return DeploymentId(self.next())

    def instance_id(self, app_id: AppId) -> InstanceId:
        """``shop_db.instance-UUID`` for ``/shop/db``."""
        return InstanceId(f"{app_id.strip('/').replace('/', '_')}.instance-{self.next()}")

    @staticmethod
    def task_id(instance_id: InstanceId) -> str:
        """The one task of an instance."""
        return instance_id + _TASK_SUFFIX


def instance_of(task_id: str) -> str:
    """The instance that a task's name says it belongs to; the name itself if it says none."""
    return task_id.removesuffix(_TASK_SUFFIX)


def app_of(instance_id: str) -> AppId:
    """The app that an instance's name says it belongs to."""
    safe, _, _ = instance_id.partition(".instance-")
    return AppId("/" + safe.replace("_", "/"))


def stamp_of(wall: float) -> Stamp:
    """A wall second as a version."""
    return Stamp(naming.stamp_of(wall))


class Turn:
    """What a decision is made from, and where its outcome is collected."""

    __slots__ = ("chance", "changes", "flags", "kills", "live", "names", "now", "out", "state")

    def __init__(
        self,
        flags: MarathonFlags,
        state: MarathonState,
        live: Live,
        names: Names,
        chance: Chance,
        now: Moment,
    ) -> None:
        self.flags = flags
        self.state = state
        self.live = live
        self.names = names
        self.chance = chance
        self.now = now
        self.out: Outcome[MarathonChange, MarathonEffect] = Outcome()
        self.changes = self.out.changes
        #: Kills said in this turn.
        self.kills = 0

    def change(self, change: MarathonChange) -> None:
        """Make ``change`` true, and have it kept and published."""
        self.state.apply(change)
        self.changes.append(change)

    def tell(self, event: Event) -> None:
        """Have the event stream tell of something."""
        self.changes.append(Told(event))

    def do(self, effect: MarathonEffect) -> None:
        """Have ``effect`` performed once the changes so far are kept."""
        self.out.effects.append(effect)

    def mark(self, app_id: AppId) -> None:
        """Have the app looked at: something that is may differ from what is wished."""
        self.live.marked[app_id] = None

    def unsettle(self, app_id: AppId) -> None:
        """Have the app looked at before any more of it is launched: its wish has changed."""
        self.live.unsettled.add(app_id)
        # Whoever wished this waits for it.
        self.live.resting.pop(app_id, None)
        self.mark(app_id)

    def stamp(self) -> Stamp:
        """A new version: the time, but later than every other, also when a clock goes back."""
        self.live.last_stamp = Stamp(stamp_after(self.live.last_stamp, self.now.wall))
        return self.live.last_stamp
