"""
What changes in Chronos' state; each names one thing and its whole new value.

Durable ones say what a store keeps of them.  A run that is due and its job's standing, which
has advanced by that, are changes of one turn: they are kept together or not at all.
"""

from __future__ import annotations

from functools import cached_property
from typing import TypeAlias

from msgspec import Struct

from mesostw.core.chronos.events import ChronosEvent
from mesostw.core.chronos.history import pack
from mesostw.core.chronos.records import Job, Life, Notice, Pause, Registration, Run, Standing
from mesostw.core.outcome import Write
from mesostw.model.jobs import JobName, NoticeId


class Fact(Struct, frozen=True, gc=False):
    """Something that became true."""

    def write(self) -> Write | None:
        """What a store keeps of it; nothing, if it is for readers only."""
        return None


# --- jobs -------------------------------------------------------------------------


class JobChanged(Fact, frozen=True):
    """A job is there, or has another version."""

    job: Job

    def write(self) -> Write:
        return Write(f"jobs/{self.job.name}", self.job)


class JobRemoved(Fact, frozen=True):
    """
    A job is wished no more.

    Its versions, standing and ended runs are forgotten before; runs that have not ended stay
    until they have, and are forgotten then.
    """

    name: JobName

    def write(self) -> Write:
        return Write(f"jobs/{self.name}", None)


class VersionKept(Fact, frozen=True):
    """A version of a job can be told and gone back to."""

    job: Job

    def write(self) -> Write:
        return Write(f"versions/{self.job.name}@{self.job.version}", self.job)


class VersionForgotten(Fact, frozen=True):
    """A version of a job was too old to be kept."""

    name: JobName
    version: str

    def write(self) -> Write:
        return Write(f"versions/{self.name}@{self.version}", None)


class StandingChanged(Fact, frozen=True):
    """A job has advanced, or one of its runs has counted."""

    standing: Standing

    def write(self) -> Write:
        return Write(f"standings/{self.standing.job}", self.standing)


class StandingForgotten(Fact, frozen=True):
    """A job goes."""

    name: JobName

    def write(self) -> Write:
        return Write(f"standings/{self.name}", None)


# --- runs -------------------------------------------------------------------------


class RunChanged(Fact, frozen=True, dict=True, gc=True):
    """A run is there, or is doing something else, or has ended."""

    run: Run

    @cached_property
    def packed(self) -> bytes:
        """The run as histories have it: once, though more than one may."""
        return pack(self.run)

    def write(self) -> Write:
        return Write(f"runs/{self.run.id}", self.run)


class RunForgotten(Fact, frozen=True):
    """An ended run was too old to be kept, or its job is gone."""

    run: Run

    def write(self) -> Write:
        return Write(f"runs/{self.run.id}", None)


# --- Chronos itself -----------------------------------------------------------------


class RegistrationKept(Fact, frozen=True):
    """The master has named us."""

    registration: Registration

    def write(self) -> Write:
        return Write("registration/self", self.registration)


class LifeBegun(Fact, frozen=True):
    """Chronos began once more."""

    life: Life

    def write(self) -> Write:
        return Write("life/self", self.life)


class PauseChanged(Fact, frozen=True):
    """Nothing is started any more, or (``None``) it is again."""

    pause: Pause | None

    def write(self) -> Write:
        return Write("pause/self", self.pause)


class NoticeKept(Fact, frozen=True):
    """Somebody is to be told something."""

    notice: Notice

    def write(self) -> Write:
        return Write(f"notices/{self.notice.id}", self.notice)


class NoticeForgotten(Fact, frozen=True):
    """Somebody was told, or could not be."""

    notice_id: NoticeId

    def write(self) -> Write:
        return Write(f"notices/{self.notice_id}", None)


# --- for readers only ---------------------------------------------------------------


class Restored(Fact, frozen=True):
    """A life begins with something that the store has: it need not be written again."""

    change: ChronosChange


class HistoryRestored(Fact, frozen=True):
    """A life begins with the runs of a job that have ended, the first to end first."""

    job: JobName
    packed: tuple[bytes, ...]


class Told(Fact, frozen=True):
    """Something happened that the event stream tells of."""

    event: ChronosEvent


ChronosChange: TypeAlias = (
    JobChanged
    | JobRemoved
    | VersionKept
    | VersionForgotten
    | StandingChanged
    | StandingForgotten
    | RunChanged
    | RunForgotten
    | RegistrationKept
    | LifeBegun
    | PauseChanged
    | NoticeKept
    | NoticeForgotten
    | Restored
    | HistoryRestored
    | Told
)
