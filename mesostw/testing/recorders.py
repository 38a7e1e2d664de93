"""Providers of the small ports that only remember what they were told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from twisted.internet.defer import Deferred
from zope.interface import implementer

from mesostw.core.outcome import Heard, LinkClosed, LinkOpened, Route, Unroute
from mesostw.interfaces import (
    IExchange,
    IFollower,
    IFrameLink,
    IInbox,
    ILink,
    IPerformer,
    Peer,
)
from mesostw.model.ids import LinkId


@implementer(IInbox)
class RecordingInbox:
    """An inbox that no core empties."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.asked: list[tuple[Struct, Deferred[Struct | None]]] = []
        #: What :meth:`has_room` answers; while false it keeps the calls to resume.
        self.room = True
        self.resumes: list[Callable[[], None]] = []

    def tell(self, stimuli: Sequence[object]) -> None:
        self.told.extend(stimuli)

    def ask(self, question: Struct) -> Deferred[Struct | None]:
        answer: Deferred[Struct | None] = Deferred()
        self.asked.append((question, answer))
        return answer

    def has_room(self, resume: Callable[[], None]) -> bool:
        if not self.room:
            self.resumes.append(resume)
        return self.room

    def make_room(self) -> None:
        """Have room again and resume whoever waits."""
        self.room = True
        resumes, self.resumes = self.resumes, []
        for resume in resumes:
            resume()

    def messages(self) -> list[Struct]:
        """Every message that was heard, whoever said it."""
        return [one.message for one in self.told if isinstance(one, Heard)]

    def opened(self) -> list[LinkOpened]:
        """Every link that was opened."""
        return [one for one in self.told if isinstance(one, LinkOpened)]

    def closed(self) -> list[LinkClosed]:
        """Every link that was closed."""
        return [one for one in self.told if isinstance(one, LinkClosed)]


@implementer(IFrameLink)
class RecordingLink:
    """A link to nobody."""

    def __init__(self) -> None:
        self.sent: list[Struct] = []
        #: One list for each call of ``send``.
        self.writes: list[list[Struct]] = []
        self.forwarded: list[bytes] = []
        self.closed: str | None = None

    def send(self, messages: Sequence[Struct]) -> None:
        self.sent.extend(messages)
        self.writes.append(list(messages))

    def forward(self, frames: Sequence[bytes]) -> None:
        self.forwarded.extend(frames)

    def close(self, reason: str) -> None:
        self.closed = reason


@implementer(IExchange)
class RecordingExchange:
    """An exchange that connects nobody and remembers what it was to do, in order."""

    inbox: IInbox | None = None

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.sent: dict[LinkId, list[Struct]] = {}
        self._links = 0

    def admit(self, link: ILink, peer: Peer) -> LinkId:
        self._links += 1
        return LinkId(self._links)

    def heard(self, link: LinkId, messages: Sequence[Struct]) -> None:
        self.done.append(("heard", link, tuple(messages)))

    def ended(self, link: LinkId, reason: str) -> None:
        self.done.append(("ended", link, reason))

    def crowded(self, link: LinkId) -> None:
        self.done.append(("crowded", link))

    def eased(self, link: LinkId) -> None:
        self.done.append(("eased", link))

    def send(self, link: LinkId, messages: Sequence[Struct]) -> None:
        self.done.append(("send", link, tuple(messages)))
        self.sent.setdefault(link, []).extend(messages)

    def close(self, link: LinkId, reason: str) -> None:
        self.done.append(("close", link, reason))

    def route(self, route: Route) -> None:
        self.done.append(("route", route))

    def unroute(self, route: Unroute) -> None:
        self.done.append(("unroute", route))


@implementer(IPerformer)
class RecordingPerformer:
    """A performer that performs nothing."""

    def __init__(self) -> None:
        self.performed: list[object] = []

    def perform(self, effect: object) -> None:
        self.performed.append(effect)


@implementer(IFollower)
class RecordingFollower:
    """A follower that checks that nothing is missing and remembers all of it."""

    def __init__(self, seq: int = 0) -> None:
        self.seq = seq
        self.changes: list[object] = []

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        if seq != self.seq + len(changes):
            message = f"{len(changes)} changes up to {seq} after {self.seq}"
            raise AssertionError(message)
        self.seq = seq
        self.changes.extend(changes)
