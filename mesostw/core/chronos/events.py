"""
What happened, for those who follow: only what no other change tells.

Jobs, runs and pauses that change are changes themselves; the event stream renders them from
those.  Every event has its wall second in ``at``.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from mesostw.model.ids import FrameworkId
from mesostw.model.jobs import JobName, NoticeId, RunId
from mesostw.model.tasks import TaskState


class SchedulerRegistered(Struct, frozen=True, kw_only=True):
    """A master knows us; ``again`` if one did before in this life."""

    at: float
    framework_id: FrameworkId
    master: str
    again: bool


class SchedulerDisconnected(Struct, frozen=True, kw_only=True):
    """No master hears us at present."""

    at: float


class StatusIgnored(Struct, frozen=True, kw_only=True):
    """A status changed nothing: ``unknown`` task, ``repeated``, or ``behind`` its run."""

    at: float
    task_id: str
    state: TaskState
    why: str


class NoticeSettled(Struct, frozen=True, kw_only=True):
    """Somebody was told, or could not be; ``detail`` is for people."""

    at: float
    notice_id: NoticeId
    job: JobName
    delivered: bool
    detail: str
    run_id: RunId | None = None


ChronosEvent: TypeAlias = (
    SchedulerRegistered | SchedulerDisconnected | StatusIgnored | NoticeSettled
)
