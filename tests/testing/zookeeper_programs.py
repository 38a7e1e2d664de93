"""
Random programs over an ensemble, and what can be seen of one that was run.

What two ensembles may differ in is made the same: zxids are told by their ranks, sessions by
whose they are, and times are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import asdict, replace
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mesostw.interfaces import IZooSession
from mesostw.model.zkurl import Credentials
from mesostw.model.zookeeper import (
    OPEN,
    READ_BY_ALL,
    Acl,
    Check,
    Create,
    Delete,
    Operation,
    Permission,
    SessionState,
    SetData,
    Stat,
    Watched,
    ZooKeeperFault,
)
from mesostw.testing.contracts.zookeeper import World

#: The actors, and who they are; the first makes the root, for everybody.
ACTORS = {"a": None, "b": Credentials("us", "secret"), "c": Credentials("them", "other")}
#: Longer than anything takes.
PATIENCE_S = 20.0


class Look(Struct, frozen=True):
    """Read something, and perhaps watch it."""

    what: str
    path: str
    watch: bool


class SetAcl(Struct, frozen=True):
    """Say who may do what."""

    path: str
    acl: tuple[Acl, ...]
    version: int


class Multi(Struct, frozen=True):
    """Several operations as one."""

    operations: tuple[Operation, ...]


Ask: TypeAlias = Look | SetAcl | Multi | Create | SetData | Delete


class Batch(Struct, frozen=True):
    """Some things that an actor asks without waiting."""

    actor: str
    asks: tuple[Ask, ...]


class Trouble(Struct, frozen=True):
    """Something befalls an actor: ``close``, ``expire`` or ``cut``."""

    actor: str
    kind: str


Program: TypeAlias = Sequence[Batch | Trouble]


# --- strategies -----------------------------------------------------------------

#: Few, so that programs meet themselves; the last two are what a sequence makes.
_paths = st.sampled_from(
    ["/a", "/a", "/b", "/b", "/a/a", "/a/a", "/a/b", "/b/a/a", "/a/n0000000001", "/b/n0000000000"]
)
_versions = st.sampled_from([-1, -1, -1, 0, 1, 2])
_bytes = st.binary(max_size=3)
_valid_acls: st.SearchStrategy[tuple[Acl, ...] | None] = st.sampled_from(
    [
        OPEN,
        READ_BY_ALL,
        (Acl(Permission.ALL, "auth", ""),),
        (Acl(Permission.READ | Permission.CREATE, "world", "anyone"),),
        (Acl(Permission.WRITE | Permission.DELETE, "world", "anyone"), *READ_BY_ALL),
        (Acl(Permission.ADMIN, "ip", "127.0.0.1"),),
    ]
)
_invalid_acls: st.SearchStrategy[tuple[Acl, ...] | None] = st.sampled_from(
    [
        (),
        (Acl(Permission.ALL, "digest", "nocolon"),),
        (Acl(Permission.ALL, "nosuch", "x"),),
        (Acl(Permission.ALL, "world", "nobody"),),
    ]
)
_default: st.SearchStrategy[tuple[Acl, ...] | None] = st.none()
_acls = st.one_of(*[_default] * 8, *[_valid_acls] * 3, _invalid_acls)


@st.composite
def _creations(draw: st.DrawFn) -> Create:
    sequence = draw(st.integers(0, 3)) == 0
    path = draw(_paths)
    if sequence:
        path = path.rpartition("/")[0] + "/n"
    ephemeral = draw(st.integers(0, 2)) == 0
    return Create(path, draw(_bytes), ephemeral, sequence, draw(_acls))


_settings = st.builds(SetData, _paths, _bytes, _versions)
_deletions = st.builds(Delete, _paths, _versions)
_operations = st.one_of(
    _creations(), _creations(), _settings, _deletions, st.builds(Check, _paths, _versions)
)
_asks: st.SearchStrategy[Ask] = st.one_of(
    _creations(),
    _creations(),
    _settings,
    _deletions,
    st.builds(Look, st.sampled_from(["get", "exists", "children"]), _paths, st.booleans()),
    st.builds(Look, st.sampled_from(["get", "exists", "children"]), _paths, st.just(True)),
    st.builds(Look, st.just("get_acl"), _paths, st.just(False)),
    st.builds(SetAcl, _paths, _acls.map(lambda acl: acl or OPEN), _versions),
    st.lists(_operations, min_size=1, max_size=4).map(lambda ops: Multi(tuple(ops))),
)
_actors = st.sampled_from(sorted(ACTORS))


def _cut(asks: Sequence[Ask]) -> tuple[Ask, ...]:
    """
    ``asks`` up to a change of permissions.

    A server judges what comes right behind one by the old or the new ones, as it happens.
    """
    for number, ask in enumerate(asks, 1):
        if isinstance(ask, SetAcl):
            return tuple(asks[:number])
    return tuple(asks)


_batches = st.builds(Batch, _actors, st.lists(_asks, min_size=1, max_size=4).map(_cut))
_troubles = st.builds(Trouble, _actors, st.sampled_from(["close", "expire", "cut"]))

#: What is there at the beginning.
_BEGINNING = Batch("a", (Create("/a", b"a"), Create("/b", b"b"), Create("/a/a", b"aa")))

#: Mostly asking, sometimes trouble.
programs: st.SearchStrategy[Program] = st.lists(
    st.one_of(*[_batches] * 8, _troubles), min_size=3, max_size=20
).map(lambda steps: [_BEGINNING, *steps])


# --- running --------------------------------------------------------------------


class Actor:
    """One session after the other, and everything that was heard in them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.session: IZooSession = None  # type: ignore[assignment]
        self.sessions = 0
        self.heard: list[object] = []

    def ask(self, number: int, ask: Ask) -> Deferred[None]:
        """Ask; what comes of it is heard, in order with everything else."""
        return self._asked(ask).addBoth(self._hear, number)

    def _asked(self, ask: Ask) -> Deferred[Any]:
        session = self.session
        match ask:
            case Look():
                read: Callable[..., Deferred[Any]] = getattr(session, ask.what)
                return read(ask.path, self.heard.append) if ask.watch else read(ask.path)
            case Create():
                return session.create(
                    ask.path, ask.data, ephemeral=ask.ephemeral, sequence=ask.sequence, acl=ask.acl
                )
            case SetData():
                return session.set(ask.path, ask.data, ask.version)
            case Delete():
                return session.delete(ask.path, ask.version)
            case SetAcl():
                return session.set_acl(ask.path, ask.acl, ask.version)
            case _:
                return session.multi(ask.operations)

    def _hear(self, result: object, number: int) -> None:
        if isinstance(result, Failure):
            fault = result.check(ZooKeeperFault) and result.value
            self.heard.append((number, type(fault).__name__, fault.path, fault.index))
        else:
            self.heard.append((number, result))


class Run:
    """One program on one world."""

    def __init__(self, world: World, root: str = "/") -> None:
        self._world = world
        self._root = root
        self._actors = {name: Actor(name) for name in ACTORS}
        self._owners: dict[int, str] = {0: ""}
        self._trace: list[tuple[str, Sequence[object]]] = []

    def trace(self, program: Program) -> Sequence[tuple[str, Sequence[object]]]:
        """What each actor heard in each step, comparable with any other run of ``program``."""
        for actor in self._actors.values():
            self._open(actor)
        for step in program:
            self._step(step)
        for actor in self._actors.values():
            self._result(actor.session.close())
        return self._comparable()

    def _result(self, deferred: Deferred[Any]) -> Any:
        self._world.pass_time(deferred, PATIENCE_S)
        results: list[Any] = []
        _ = deferred.addBoth(results.append)
        if results and isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]

    def _open(self, actor: Actor) -> None:
        ensemble = self._world.ensemble(actor.name, self._root, ACTORS[actor.name])
        actor.session = self._result(ensemble.connect(actor.heard.append))
        actor.sessions += 1
        self._owners[actor.session.session_id] = f"{actor.name}{actor.sessions}"

    def _step(self, step: Batch | Trouble) -> None:
        actor = self._actors[step.actor]
        if isinstance(step, Batch):
            asked = [actor.ask(number, ask) for number, ask in enumerate(step.asks)]
            self._result(asked[-1])
        elif step.kind == "close":
            self._result(actor.session.close())
            self._open(actor)
        elif step.kind == "expire":
            self._world.expire(actor.session)
            self._until(lambda: actor.session.state is SessionState.EXPIRED)
            self._open(actor)
        else:
            before = len(actor.heard)
            self._world.cut(actor.name)
            self._until(lambda: SessionState.CONNECTED in actor.heard[before:])
        for other in self._actors.values():
            # Whatever the others are to hear of this step was sent before this answer.
            self._result(other.session.exists("/"))
            heard = list(other.heard)
            other.heard.clear()
            # What ends with a session ends in no order.
            if isinstance(step, Trouble):
                heard.sort(key=repr)
            self._trace.append((other.name, heard))

    def _until(self, met: Callable[[], bool]) -> None:
        for _ in range(2_000):
            if met():
                return
            self._world.pass_time(None, 0.01)
        raise AssertionError("it did not happen")

    def _comparable(self) -> Sequence[tuple[str, Sequence[object]]]:
        zxids = {
            zxid for stat in _stats(self._trace) for zxid in (stat.czxid, stat.mzxid, stat.pzxid)
        }
        ranks = {zxid: rank for rank, zxid in enumerate(sorted(zxids))}

        def told(found: object) -> object:
            match found:
                case Stat():
                    return {
                        **asdict(replace(found, ctime_ms=0, mtime_ms=0)),
                        "czxid": ranks[found.czxid],
                        "mzxid": ranks[found.mzxid],
                        "pzxid": ranks[found.pzxid],
                        "ephemeral_owner": self._owners[found.ephemeral_owner],
                    }
                case (number, (names, Stat() as stat)) if isinstance(names, tuple):
                    return (number, sorted(names, key=repr), told(stat))
                case tuple() | list():
                    return [told(one) for one in found]
                case _:
                    return found

        return [(name, [told(one) for one in heard]) for name, heard in self._trace]


def _stats(found: object) -> Iterator[Stat]:
    match found:
        case Stat():
            yield found
        case tuple() | list():
            for one in found:
                yield from _stats(one)
        case Watched() | _:
            return
