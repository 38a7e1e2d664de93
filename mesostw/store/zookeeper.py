"""
The store of several masters: a log of groups in ZooKeeper, kept short.

::

    ROOT/epoch               format and epoch; its version guards every write
    ROOT/log/N               a group of changes, or a part of one too large for one node
    ROOT/quarantine/N-EPOCH  a part of the log that the writer of that epoch could not read

Note [One writer]
    Whoever reads counts the epoch up.  Each write is one transaction that begins with a check
    of the epoch's version: after that nothing of an older writer lands, however late it comes.

Note [A link that breaks]
    What was under way may have been done or not, so it is sent again.  Names of nodes are
    chosen here: one that exists already was made by the same request before.  ZooKeeper takes
    the requests of one link in their order, and all that break with it are sent again in that
    order, so there is never a hole.  A session that has ended is not replaced: whoever lost it
    no longer leads.

Note [Large groups]
    A group larger than a node is cut; the first byte of a node says whether more follows.  It
    counts once its last part is there, and a reader throws away what has no last part.

One group costs a transaction, whatever is in it.  So groups that wait while others are under
way become one: that makes it fast.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from twisted.internet.defer import Deferred, FirstError, fail, gatherResults, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.interfaces import Deposed, IClock, IStore, IZooSession, Stored, StoreFailed
from mesostw.model.zookeeper import (
    Check,
    Create,
    Delete,
    Happening,
    Watched,
    ZooKeeperFault,
)
from mesostw.store.ledger import Group, Ledger, Writes, decode_group, encode_group
from mesostw.store.line import BROKEN, Line, Request, nothing
from mesostw.store.zklog import LAST, MORE, Taking, path_of, pause
from mesostw.unattended import unattended

#: Of a group in one node: half of what ZooKeeper takes, as larger requests hold up others.
PART_BYTES_MAX: Final = 500_000
#: Transactions under way at once; what comes meanwhile is one group.
WINDOW: Final = 4
#: Of one group that was made of several: like a driver's own.
GROUP_BYTES_MAX: Final = 512 * 1024


def _unheard(_reason: str) -> None:
    """Nobody wants to know before the next append."""


@implementer(IStore)
class ZooKeeperStore:
    """
    A store in the nodes below ``root``.

    Whoever leads says with :meth:`use` whose session it is written in, before it is read; the
    store never ends it.

    :param epoch_min: that the epoch is to be at least, where what is restored had one.
    """

    _log = Logger()

    _session: IZooSession
    _line: Line
    _deposed: Callable[[str], None]
    _standing: Sequence[Check]

    def __init__(self, root: str, clock: IClock, epoch_min: int = 0) -> None:
        self._root, self._clock, self._epoch_min = root, clock, epoch_min
        self._epoch = 0
        self._check = Check(f"{root}/epoch")
        self._ledger = Ledger()
        self._next = 0
        self._waiting: deque[tuple[Deferred[None], Writes]] = deque()
        self._sent: deque[Deferred[None]] = deque()
        self._fault: Exception | None = StoreFailed(f"{root}: read first")
        self._cleaning = False
        self._closing: list[Deferred[None]] = []

    def use(
        self,
        session: IZooSession,
        deposed: Callable[[str], None] = _unheard,
        standing: Sequence[Check] = (),
    ) -> None:
        """
        Write in ``session`` from now on.

        :param deposed: called when another has taken the store over, which else is noticed at
            the next append only.
        :param standing: what must be so when the store is taken over, or it is not.
        """
        self._session, self._deposed, self._standing = session, deposed, standing
        self._line = Line(session, self._clock, self._give_up)

    def size(self) -> Mapping[str, float]:
        """How long the log is, and how much of it is under way."""
        under_way = len(self._line) if self._epoch else 0
        return {
            "log_bytes": self._ledger.size,
            "log_nodes": self._ledger.nodes,
            "transactions_under_way": under_way,
        }

    # --- the port ---------------------------------------------------------------------

    def read(self) -> Deferred[Stored]:
        self._give_up(Deposed(f"{self._root} is read again"))
        return Deferred.fromCoroutine(self._read())

    def append(self, writes: Writes, epoch: int) -> Deferred[None]:
        if self._fault is None and epoch != self._epoch:
            self._give_up(Deposed(f"epoch {epoch} has ended, {self._epoch} writes now"))
        if self._fault is not None or self._closing:
            return fail(self._fault or StoreFailed(f"{self._root}: the store is closed"))
        appended: Deferred[None] = Deferred()
        self._waiting.append((appended, tuple(writes)))
        self._pump()
        return appended

    def close(self) -> Deferred[None]:
        if not self._epoch:
            # Never read, so never written.
            return succeed(None)
        closing: Deferred[None] = Deferred()
        self._closing.append(closing)
        self._end_if_idle()
        return closing

    def _end_if_idle(self) -> None:
        if self._closing and not self._waiting and not self._sent:
            self._line.close()
            self._fault = StoreFailed(f"{self._root}: the store is closed")
            closing, self._closing = self._closing, []
            for one in closing:
                one.callback(None)

    # --- reading --------------------------------------------------------------------------

    async def _read(self) -> Stored:
        taking = Taking(self._session, self._root, self._clock, self._standing)
        try:
            found = await taking.take_over(self._epoch_min)
            replayed = await taking.replay(found)
        except ZooKeeperFault as fault:
            raise StoreFailed(f"{self._root}: ZooKeeper: {fault}") from fault
        self._ledger, self._next = replayed.ledger, replayed.next
        self._line = Line(self._session, self._clock, self._give_up)
        self._epoch, self._fault, self._cleaning = found.head.epoch, None, False
        self._check = Check(f"{self._root}/epoch", found.version)
        unattended(self._watch(self._check), self._unwatched)
        return Stored(self._epoch, replayed.records)

    # --- being deposed ------------------------------------------------------------------

    async def _watch(self, check: Check) -> None:
        """Notice who takes the store over, also while there is nothing to write."""
        while self._check is check and self._fault is None:
            told: Deferred[Watched] = Deferred()
            try:
                _, stat = await self._session.get(check.path, told.callback)
            except BROKEN:
                await pause(self._clock)
                continue
            if stat.version == check.version and (await told).kind is Happening.LOST:
                continue
            if self._check is check and self._fault is None:
                reason = "another has read the store since"
                self._give_up(Deposed(reason))
                self._deposed(reason)

    def _unwatched(self, failure: Failure) -> None:
        """The session has ended, or the store is gone: the next append says so."""
        if not failure.check(ZooKeeperFault):
            self._log.failure("nobody watches who takes the store over", failure)

    # --- writing ------------------------------------------------------------------------

    def _pump(self) -> None:
        """Send what waits, as long as not too much is under way."""
        while self._waiting and len(self._line) < WINDOW and self._fault is None:
            writes: list[tuple[str, bytes | None]] = []
            count = size = 0
            while self._waiting and size < GROUP_BYTES_MAX:
                appended, some = self._waiting.popleft()
                self._sent.append(appended)
                writes.extend(some)
                count += 1
                size += sum(len(key) + len(value or b"") for key, value in some)
            self._add(writes, partial(self._kept, count))
        self._clean()
        self._end_if_idle()

    def _kept(self, count: int) -> None:
        for _ in range(count):
            self._sent.popleft().callback(None)

    def _add(self, writes: Writes, done: Callable[[], None], removed: Sequence[Group] = ()) -> None:
        """Add a group at the end of the log, and remove others with its last part."""
        data = encode_group(writes) if writes else b""
        parts = [data[at : at + PART_BYTES_MAX] for at in range(0, len(data), PART_BYTES_MAX)]
        first = self._next
        self._next += len(parts)
        added = Group(first, len(parts), len(data), len(writes), kept=False)
        if parts:
            self._ledger.add(added, writes)
        for group in removed:
            self._ledger.drop(group)
        gone = [
            Delete(path_of(self._root, number)) for group in removed for number in group.numbers
        ]
        for number, part in enumerate(parts[:-1], first):
            create = Create(path_of(self._root, number), MORE + part)
            self._line.send(Request((self._check, create), nothing))
        last = [Create(path_of(self._root, self._next - 1), LAST + parts[-1])] if parts else []
        self._line.send(Request((self._check, *last, *gone), lambda: self._added(added, done)))

    def _added(self, group: Group, done: Callable[[], None]) -> None:
        group.kept = True
        done()
        self._pump()

    # --- cleaning -----------------------------------------------------------------------

    def _clean(self) -> None:
        """Have the oldest groups copied to the end, if there is too much that says nothing."""
        if self._cleaning or self._closing or self._fault is not None:
            return
        if not self._ledger.needs_cleaning():
            return
        self._cleaning = True
        _ = Deferred.fromCoroutine(self._copy(self._ledger)).addErrback(self._not_cleaned)

    async def _copy(self, ledger: Ledger) -> None:
        oldest = ledger.oldest()
        found: list[tuple[Group, bytes]] = []
        for group in oldest:
            if group.live:
                asked = [self._session.get(path_of(self._root, number)) for number in group.numbers]
                answers = await gatherResults(asked, consumeErrors=True)
                found.append((group, b"".join(data[1:] for data, _ in answers)))
        if self._fault is not None or ledger is not self._ledger:
            return
        saved: list[tuple[str, bytes | None]] = []
        for group, data in found:
            # Only now: what was written while this was read is newer.
            saved.extend(ledger.counting(group, decode_group(data)))
        self._add(saved, self._cleaned, oldest)

    def _cleaned(self) -> None:
        self._cleaning = False

    def _not_cleaned(self, failure: Failure) -> None:
        """A link broke: the next group tries again.  Anything else is a damaged store."""
        self._cleaning = False
        several = failure.value
        fault = several.subFailure.value if isinstance(several, FirstError) else several
        if not isinstance(fault, BROKEN) and self._fault is None:
            self._give_up(StoreFailed(f"{self._root}: cleaning: {fault}"))

    # --- the end ------------------------------------------------------------------------

    def _give_up(self, fault: Exception) -> None:
        """Nothing more is kept: tell everyone who waits, in order."""
        self._fault = fault
        self._line.close()
        sent, self._sent = self._sent, deque()
        waiting, self._waiting = self._waiting, deque()
        for appended in (*sent, *(appended for appended, _ in waiting)):
            appended.errback(fault)
        self._end_if_idle()
