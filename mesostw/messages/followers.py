"""
What a follower of a master's feed is told: a copy of all that is known, then every change.

::

    follower                       master
    Follow(epoch, seq)      ->
                            <-     Copying(...)      if it has to begin anew; then, in turn
                            <-     CopyPart             parts of the copy,
    CopyPartTaken           ->                          each taken before the next is sent
                            <-     Resumed(...)      if it knows all up to a number
                            <-     Published         what was published since, in order
    Probe(asked)            ->
                            <-     Echo(asked)       after all that was published before

Changes are bytes here: the room that publishes them knows how they are packed.
"""

from __future__ import annotations

from msgspec import Struct


class MasterShown(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What a master's pages say of the master itself."""

    id: str
    ip: str
    port: int
    hostname: str
    #: In wall seconds.
    started: float
    elected: float | None = None
    cluster: str = ""
    version: str = ""
    flags: dict[str, str] = {}


class Follow(Struct, frozen=True, omit_defaults=True, gc=False):
    """Tell me all after ``seq`` of ``epoch``; without an epoch all there is."""

    epoch: str = ""
    seq: int = 0


class Copying(Struct, frozen=True, gc=False):
    """A copy follows, as of ``seq``."""

    epoch: str
    seq: int
    master: MasterShown


class Resumed(Struct, frozen=True, gc=False):
    """What follows is what comes after ``seq``, up to where the follower knows all."""

    epoch: str
    seq: int
    master: MasterShown


class CopyPart(Struct, frozen=True, gc=False):
    """Some of the changes that make an empty state into the copy."""

    changes: bytes
    #: Whether it is to be answered with :class:`CopyPartTaken`, and nothing comes before that.
    is_asking: bool
    #: Whether the copy is whole with it.
    is_last: bool


class CopyPartTaken(Struct, frozen=True, gc=False):
    """The next part may come."""


class Published(Struct, frozen=True, gc=False):
    """What was published after the number ``after`` up to ``seq``."""

    after: int
    seq: int
    changes: bytes


class Probe(Struct, frozen=True, gc=False):
    """How late am I? ``asked`` are the follower's own steady seconds."""

    asked: float


class Echo(Struct, frozen=True, gc=False):
    """All that had been published when the probe came has been said before this."""

    asked: float
