"""
A store's log in ZooKeeper as it is read: beside its writer, or to become its only writer.

The layout is that of :mod:`mesostw.store.zookeeper`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, TypeVar

import msgspec
from attrs import define, field
from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.logger import Logger

from mesostw.interfaces import Deposed, IClock, IZooSession, Stored, StoreFailed
from mesostw.model.zookeeper import (
    BadVersion,
    Check,
    Create,
    Delete,
    NodeExists,
    NoNode,
    Operation,
    SetData,
    parent_of,
)
from mesostw.store.ledger import Group, Ledger, Writes, decode_group
from mesostw.store.line import BROKEN, RETRY_S, Line, Request, nothing

#: The layout that this program writes; a greater one is refused.
FORMAT: Final = 1
#: Nodes asked for at once when a log is read.
READ_NODES: Final = 64

#: How a node's data begin that is its group's last, and that is not.
LAST, MORE = b"\0", b"\1"

#: Of one transaction.
Operations = tuple[Operation, ...]

T = TypeVar("T")


class Head(msgspec.Struct, frozen=True):
    """What ``ROOT/epoch`` says."""

    format: int
    epoch: int


_encode_head: Final = msgspec.msgpack.Encoder().encode
_decode_head: Final = msgspec.msgpack.Decoder(Head).decode


def pause(clock: IClock) -> Deferred[None]:
    """Fires when what could not be asked may be asked again."""
    paused: Deferred[None] = Deferred()
    clock.callLater(RETRY_S, paused.callback, None)
    return paused


def path_of(root: str, number: int) -> str:
    """Name a node of the log; names sort as their numbers do."""
    return f"{root}/log/{number:010}"


@define
class Found:
    """A log as it was read."""

    head: Head
    #: Of the node that says so.
    version: int
    #: Data by number, in order.
    nodes: dict[int, bytes] = field(factory=dict)


def groups_of(found: Found) -> Iterable[tuple[range, bytes]]:
    """Put the parts of each group together; one without its last part is left out."""
    numbers: list[int] = []
    parts: list[bytes] = []
    for number, data in found.nodes.items():
        numbers.append(number)
        parts.append(data[1:])
        if data[:1] == LAST:
            yield range(numbers[0], number + 1), b"".join(parts)
            numbers, parts = [], []


async def load(session: IZooSession, root: str) -> Found | None:
    """
    Read a log as it is, beside whoever writes it; ``None`` if there is none.

    :raises StoreFailed: it is of another program, or of a later version of this one.
    """
    while True:
        try:
            data, stat = await session.get(f"{root}/epoch")
        except NoNode:
            return None
        found = Found(_head_of(root, data), stat.version)
        names, _ = await session.children(f"{root}/log")
        numbers = sorted(map(int, names))
        try:
            for at in range(0, len(numbers), READ_NODES):
                some = numbers[at : at + READ_NODES]
                asked = [session.get(path_of(root, number)) for number in some]
                answers = await gatherResults(asked, consumeErrors=True)
                found.nodes.update(zip(some, (data for data, _ in answers), strict=True))
        except FirstError as several:
            # Its writer may have cleaned meanwhile; what it says now is elsewhere.
            if several.subFailure.check(NoNode):
                continue
            several.subFailure.raiseException()
        return found


def _head_of(root: str, data: bytes) -> Head:
    try:
        head = _decode_head(data)
    except msgspec.DecodeError:
        raise StoreFailed(f"{root}/epoch is not of this program") from None
    if head.format != FORMAT:
        raise StoreFailed(f"{root} has format {head.format}; this program reads {FORMAT}")
    return head


async def peek(session: IZooSession, root: str) -> Stored | None:
    """
    Read a store beside whoever writes it, and change nothing; ``None`` if there is none.

    :raises StoreFailed: it is of another program, or part of it cannot be read.
    """
    found = await load(session, root)
    if found is None:
        return None
    records: dict[str, bytes] = {}
    for numbers, data in groups_of(found):
        try:
            writes = decode_group(data)
        except ValueError as fault:
            raise StoreFailed(f"{path_of(root, numbers.start)} cannot be read: {fault}") from None
        _apply(writes, records)
    return Stored(found.head.epoch, records)


def _apply(writes: Writes, records: dict[str, bytes]) -> None:
    for key, value in writes:
        if value is None:
            records.pop(key, None)
        else:
            records[key] = value


@define
class Replayed:
    """What a log says, and how its next writer goes on."""

    records: dict[str, bytes]
    ledger: Ledger
    #: The number of the next node.
    next: int


class Taking:
    """
    Becomes the only writer of a log.

    :param standing: what must be so when that is done, such as that we are elected still.
    """

    _log = Logger()

    def __init__(
        self, session: IZooSession, root: str, clock: IClock, standing: Sequence[Check] = ()
    ) -> None:
        self._session, self._root, self._clock = session, root, clock
        self._standing = tuple(standing)

    async def take_over(self, least: int = 0) -> Found:
        """
        Count the epoch up, then read what nobody else can change any more.

        :param least: that the epoch is to be at least.
        :raises Deposed: we have no standing any more; nothing was changed then.
        """
        while True:
            await self._patiently(self._lay)
            data, stat = await self._patiently(lambda: self._session.get(f"{self._root}/epoch"))
            head = _head_of(self._root, data)
            head = Head(FORMAT, max(head.epoch + 1, least))
            path = f"{self._root}/epoch"
            try:
                counted = SetData(path, _encode_head(head), stat.version)
                await self._session.multi((*self._standing, counted))
            except NoNode as fault:
                if fault.index is None or fault.index >= len(self._standing):
                    raise
                gone = self._standing[fault.index].path
                raise Deposed(f"{gone} is gone: it is another's turn") from fault
            except (BadVersion, *BROKEN):
                # Another was faster, or nobody knows: look again.  An epoch may be left out.
                await pause(self._clock)
                continue
            found = await self._patiently(lambda: Deferred.fromCoroutine(self._load()))
            if found.head == head:
                return found

    async def _load(self) -> Found:
        found = await load(self._session, self._root)
        if found is None:
            raise StoreFailed(f"{self._root} was removed")
        return found

    def _lay(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._make_nodes())

    async def _make_nodes(self) -> None:
        """Make what a store begins with, where it is missing."""
        paths = [self._root]
        while (above := parent_of(paths[-1])) != "/":
            paths.append(above)
        first = _encode_head(Head(FORMAT, 0))
        laid = [(f"{self._root}/log", b""), (f"{self._root}/quarantine", b"")]
        # Last: with it the store is there.
        laid.append((f"{self._root}/epoch", first))
        for path, data in (*((path, b"") for path in reversed(paths)), *laid):
            try:
                await self._session.create(path, data)
            except NodeExists:
                continue

    async def _patiently(self, what: Callable[[], Deferred[T]]) -> T:
        """Do what may be done twice until a link holds so long; a session's end ends it."""
        while True:
            try:
                return await what()
            except BROKEN:
                await pause(self._clock)

    async def replay(self, found: Found) -> Replayed:
        """
        Tell what a log that was taken over says, and tidy it up.

        What nobody finished is removed, and what cannot be read is kept for a person elsewhere.

        :raises Deposed: another took it over meanwhile; of what was left to tidy nothing is done.
        """
        records: dict[str, bytes] = {}
        ledger = Ledger()
        tidying: list[Operations] = []
        read = 0
        for numbers, data in groups_of(found):
            read = numbers.stop
            try:
                writes = decode_group(data)
            except ValueError as fault:
                tidying.extend(self._set_aside(numbers, found, str(fault)))
                continue
            ledger.add(Group(numbers.start, len(numbers), len(data), len(writes)), writes)
            _apply(writes, records)
        # Of a group that was never finished, so nobody was told that it is kept.
        unfinished = (number for number in found.nodes if number >= read)
        tidying.extend((Delete(path_of(self._root, number)),) for number in unfinished)
        await self._all_done(tidying, found.version)
        return Replayed(records, ledger, max(found.nodes, default=-1) + 1)

    def _set_aside(self, numbers: range, found: Found, why: str) -> Iterable[Operations]:
        self._log.error(
            "{root}/log/{first} cannot be read and is moved to {root}/quarantine: {why}",
            root=self._root, first=numbers.start, why=why,
        )  # fmt: skip
        for number in numbers:
            # Numbers are given again after the newest are gone; never twice by one writer.
            path = f"{self._root}/quarantine/{number:010}-{found.head.epoch}"
            yield Create(path, found.nodes[number]), Delete(path_of(self._root, number))

    async def _all_done(self, tidying: Sequence[Operations], version: int) -> None:
        """Do each once and in order, as writes are done: only while nobody else has taken over."""
        if not tidying:
            return
        done: Deferred[None] = Deferred()
        line = Line(self._session, self._clock, done.errback)
        check = Check(f"{self._root}/epoch", version)
        for number, operations in enumerate(tidying, 1):
            is_last = number == len(tidying)
            told = partial(done.callback, None) if is_last else nothing
            line.send(Request((check, *operations), told))
        await done
