"""Apps, instances and a world to decide in, for tests of Marathon's core."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
from msgspec import Struct

from mesostw.core.marathon.changes import (
    AppChanged,
    InstanceChanged,
    MarathonChange,
    Told,
    VersionKept,
)
from mesostw.core.marathon.checking import check
from mesostw.core.marathon.durable import RECORDS, changes_of
from mesostw.core.marathon.events import Event
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.live import Live
from mesostw.core.marathon.records import Condition, Instance
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.turn import Names, Turn
from mesostw.core.marathon.words import MarathonEffect
from mesostw.core.outcome import Moment
from mesostw.model.apps import App, AppId, AppSpec, InstanceId, Stamp
from mesostw.model.ids import AgentId, TaskId

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

V1 = Stamp("2026-01-01T00:00:00.000Z")
V2 = Stamp("2026-01-02T00:00:00.000Z")
V3 = Stamp("2026-01-03T00:00:00.000Z")

STARTED = Moment(1_000.0, 1_800_000_000.0)


def app(app_id: str = "/a", version: Stamp = V1, config: Stamp | None = None, **spec: Any) -> App:
    """An app that runs ``true`` once, with fields of its spec as ``spec`` says."""
    wished = AppSpec(**{"id": AppId(app_id), "cmd": "true", **spec})
    return App(wished, version, version, config or version)


def instance(
    of: App, condition: Condition = Condition.RUNNING, number: int = 1, **others: Any
) -> Instance:
    """The instance ``number`` of an app, on an agent of its own."""
    name = InstanceId(f"{of.id.strip('/').replace('/', '_')}.instance-{number:04d}")
    fields: dict[str, Any] = {
        "id": name,
        "app_id": of.id,
        "version": of.version,
        "config": of.last_config_change_at,
        "task_id": TaskId(Names.task_id(name)),
        "agent_id": AgentId(f"S{number}"),
        "hostname": f"n{number}",
        "role": of.spec.role,
        "condition": condition,
        "since": float(number),
        "staged_at": float(number),
        "started_at": float(number) if condition is Condition.RUNNING else None,
    }
    return Instance(**{**fields, **others})


class World:
    """One life of Marathon's core without its machine; what is durable is in ``store``."""

    def __init__(
        self,
        flags: MarathonFlags | None = None,
        store: Mapping[str, Struct] | None = None,
        nonce: int = 1,
    ) -> None:
        self.flags = flags or MarathonFlags()
        self.state = MarathonState()
        self.live = Live()
        self.names = Names(nonce.to_bytes(8, "big"))
        self.chance = random.Random(nonce)
        self.now = STARTED
        self.store: dict[str, Struct] = dict(store or {})
        self.changes: list[MarathonChange] = []
        self.effects: list[MarathonEffect] = []
        self._nonce = nonce
        for change in changes_of(self.store.items()):
            self.state.apply(change)
        self.live.last_stamp = max(self.state.all_stamps(), default=Stamp(""))

    def run(
        self, decide: Callable[Concatenate[Turn, P], R], *given: P.args, **named: P.kwargs
    ) -> R:
        """Call a function of the core in a turn of its own, and keep what it led to."""
        turn = Turn(self.flags, self.state, self.live, self.names, self.chance, self.now)
        answer = decide(turn, *given, **named)
        for change in turn.out.changes:
            self._keep(change)
        self.changes.extend(turn.out.changes)
        self.effects.extend(turn.out.effects)
        check(self.state)
        return answer

    def _keep(self, change: MarathonChange) -> None:
        write = change.write()
        if write is None:
            return
        if write.value is None:
            self.store.pop(write.key, None)
        else:
            kind = RECORDS[write.key.partition("/")[0]]
            # What is kept comes back as bytes, not as the same object.
            raw = msgspec.msgpack.encode(write.value)
            self.store[write.key] = msgspec.msgpack.decode(raw, type=kind)

    def add(self, *things: App | Instance) -> None:
        """Have apps and instances be there."""
        for thing in things:
            if isinstance(thing, App):
                self.change(AppChanged(thing), VersionKept(thing))
            else:
                self.change(InstanceChanged(thing))

    def change(self, *changes: MarathonChange) -> None:
        """Have changes be true and kept, decided by nobody; they are not in ``changes``."""
        for change in changes:
            self.state.apply(change)
            self._keep(change)

    def later(self, seconds: float) -> None:
        """Let time go by."""
        self.now = Moment(self.now.steady + seconds, self.now.wall + seconds)

    def restarted(self) -> World:
        """The next life, from what was kept."""
        world = World(self.flags, self.store, self._nonce + 1)
        world.now = self.now
        return world

    def told(self, kind: type[T]) -> list[T]:
        """Events of a kind that the event stream told of, oldest first."""
        return [one for one in self.events() if isinstance(one, kind)]

    def events(self) -> list[Event]:
        """Everything that the event stream told of, oldest first."""
        return [change.event for change in self.changes if isinstance(change, Told)]

    def did(self, kind: type[T]) -> list[T]:
        """Effects of a kind, oldest first."""
        return [one for one in self.effects if isinstance(one, kind)]

    def clear(self) -> None:
        """Forget changes and effects so far."""
        self.changes.clear()
        self.effects.clear()
