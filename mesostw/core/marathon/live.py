"""What Marathon's core forgets when it stops; no reader sees it and no store keeps it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from mesostw.core.marathon.launchbook import LaunchBook
from mesostw.core.marathon.stages import Part
from mesostw.core.probes import ProbeKey
from mesostw.model.apps import AppId, DeploymentId, InstanceId, Stamp


class Live:
    """Marks, clocks and tokens of one life."""

    def __init__(self) -> None:
        #: Apps to be looked at in the next slice (``converging``).
        self.marked: dict[AppId, None] = {}
        #: Those of them of which something else is wished than when they were last looked at:
        #: what waits for offers may be wished no more.
        self.unsettled: set[AppId] = set()
        #: Whether ``Continue`` has been asked for.
        self.continuing = False
        #: When all apps are next looked at, in steady seconds; ``None`` before the first tick.
        self.look_due: float | None = None
        #: Large apps that were looked at, until when they rest, in steady seconds.
        self.resting: dict[AppId, float] = {}
        #: Those of them that were marked meanwhile.
        self.postponed: dict[AppId, None] = {}
        #: What each deployment does with each of its apps.
        self.parts: dict[DeploymentId, Mapping[AppId, Part]] = {}
        self.last_stamp = Stamp("")
        #: The roles that we are in.
        self.roles: frozenset[str] = frozenset()
        #: Whether a master knows us on the present link.
        self.registered = False
        #: When a kill was last said, in steady seconds.
        self.kills_said: dict[InstanceId, float] = {}
        #: Instances whose kill is to be said, the longest waiting first.
        self.kills_waiting: deque[InstanceId] = deque()
        #: Whether a master has known us in this life.
        self.greeted = False
        #: Of each instance whose health is asked for here.
        self.probes: dict[InstanceId, tuple[ProbeKey, ...]] = {}
        #: Instances that are asked whether they are ready.
        self.readying: set[InstanceId] = set()
        #: Instances with health checks, by app and its configuration.
        self.checked: dict[AppId, dict[Stamp, set[InstanceId]]] = {}
        #: Of each instance, its health as a whole as the event stream told it last.
        self.health_told: dict[InstanceId, bool | None] = {}
        #: Of each instance, the uuid of the last status with the agent's finding.
        self.health_said: dict[InstanceId, bytes | None] = {}
        #: Instances that have earned their launch token.
        self.earned: set[InstanceId] = set()
        #: What launching remembers.
        self.launch = LaunchBook()
        #: When instances are next looked through, in steady seconds: for launches that take
        #: too long, for those that are away, and to forget what is away.
        self.launches_due = 0.0
        self.away_due = 0.0
        self.expunge_due = 0.0
