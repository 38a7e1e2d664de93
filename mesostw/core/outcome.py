"""
What every core says and hears: the words between a core and its driver.

A core is told stimuli and answers with an :class:`Outcome`; its driver keeps
the durable changes, publishes all changes, then performs the effects in order.
Each role closes its own unions over these and its own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from mesostw.model.ids import LinkId, RequestId, RouteId


class Moment(Struct, frozen=True, gc=False):
    """
    When a turn happens, read once from the driver's clock.

    ``steady`` seconds serve every duration and timer and never step;
    ``wall`` seconds since 1970 serve timestamps and calendars only.
    """

    steady: float
    wall: float


C = TypeVar("C")
E = TypeVar("E")


class Outcome(Generic[C, E]):
    """What one stimulus led to: facts that changed, and what to do, in order."""

    __slots__ = ("changes", "effects")

    def __init__(self) -> None:
        self.changes: list[C] = []
        self.effects: list[E] = []


# --- stimuli that every role knows -----------------------------------------


class LinkOpened(Struct, frozen=True, gc=False):
    """A peer said hello on a new link (bus, or an HTTP event stream)."""

    link: LinkId
    role: str
    peer: str
    version: str
    address: str


class LinkClosed(Struct, frozen=True, gc=False):
    """A link ended, whoever ended it; nothing more is heard on it."""

    link: LinkId
    reason: str


class LinkCrowded(Struct, frozen=True, gc=False):
    """The peer reads too slowly: more than the soft limit waits to be sent to it."""

    link: LinkId


class LinkEased(Struct, frozen=True, gc=False):
    """What waited on a crowded link has been sent."""

    link: LinkId


class Heard(Struct, frozen=True, gc=False):
    """One message of the bus vocabulary, told by a link."""

    link: LinkId
    message: Struct


class TimerFired(Struct, frozen=True, gc=False):
    """A timer that the effect :class:`Arm` set has run out."""

    timer: Struct


class Asked(Struct, frozen=True, gc=False):
    """Somebody awaits the answer to ``question`` under the number ``request``."""

    request: RequestId
    question: Struct


class Continued(Struct, frozen=True, gc=False):
    """The next slice of long work that the core asked for by :class:`Continue`."""


# --- effects that every driver performs ------------------------------------


class Send(Struct, frozen=True, gc=False):
    """Say ``message`` to the peer at ``link``; nothing happens if it has gone."""

    link: LinkId
    message: Struct


class Close(Struct, frozen=True, gc=False):
    """End ``link`` after what was sent before; ``reason`` is for the peer and the log."""

    link: LinkId
    reason: str


class Arm(Struct, frozen=True, gc=False):
    """Fire ``timer`` once after ``delay_s``; arming it again replaces the first."""

    timer: Struct
    delay_s: float


class Disarm(Struct, frozen=True, gc=False):
    """Forget ``timer``; one that is not armed is no error."""

    timer: Struct


class Answer(Struct, frozen=True, gc=False):
    """Answer the question ``request`` with a value or a :class:`Refusal`."""

    request: RequestId
    value: Struct | None


class Refusal(Struct, frozen=True, gc=False):
    """Why a question was refused: a machine's ``reason`` and a person's ``message``."""

    reason: str
    message: str


class Route(Struct, frozen=True, gc=False):
    """Forward frames with ``route`` heard on ``source`` to ``target`` as ``target_route``."""

    source: LinkId
    route: RouteId
    target: LinkId
    target_route: RouteId


class Unroute(Struct, frozen=True, gc=False):
    """Forward no more frames with ``route`` heard on ``source``."""

    source: LinkId
    route: RouteId


class Continue(Struct, frozen=True, gc=False):
    """Let others have a turn, then tell :class:`Continued`."""


CommonStimulus: TypeAlias = (
    LinkOpened | LinkClosed | LinkCrowded | LinkEased | Heard | TimerFired | Asked | Continued
)
CommonEffect: TypeAlias = Send | Close | Arm | Disarm | Answer | Route | Unroute | Continue


class Write(Struct, frozen=True, gc=False):
    """One durable key and its whole new value; ``None`` removes the key."""

    key: str
    value: Struct | None


S_contra = TypeVar("S_contra", contravariant=True)


#: What a store kept, by its keys; to be gone through once, since it is read on the way.
Records: TypeAlias = Iterable[tuple[str, Struct]]


class Core(Protocol[S_contra, C, E]):
    """A deterministic machine: the same stimuli at the same moments, the same outcomes."""

    #: The type of a durable value by the first part of its key (``agents`` in ``agents/S1``).
    RECORDS: Mapping[str, type[Struct]]

    def hear(self, stimulus: S_contra, now: Moment) -> Outcome[C, E]:
        """Decide on one stimulus and apply what it changes to the core's own state."""

    def restore(self, records: Records, now: Moment) -> Outcome[C, E]:
        """Start from what a store kept; called once, before anything is heard."""

    def write_of(self, change: C) -> Write | None:
        """What a store keeps of ``change``; ``None`` if it is not durable."""

    def check(self) -> None:
        """Raise ``AssertionError`` if an invariant of the whole state is broken."""
