"""Why runs wait, in words for programs and in sentences."""

from __future__ import annotations

from msgspec import Struct

from mesostw.core.chronos.records import Run
from mesostw.model.jobs import JobName


class Cause(Struct, frozen=True):
    """
    Something that keeps a job from running, or a run from being launched.

    ``kind`` is one of ``disabled``, ``paused``, ``disconnected``, ``backed_off`` (a retry, or
    starts that are spread), ``busy`` (another run of the job), ``unsure`` (an earlier life's
    run, of which the master has not told yet), ``no_offers``, ``refused`` (offers came and did
    not do), ``due`` (its next instant lies ahead), ``parents``, ``finished``, ``running``,
    ``ending``, ``unreachable``, ``removed``, ``next`` (it is looked at in a moment).
    """

    kind: str
    text: str
    #: When it ends by itself, in wall seconds.
    until: float | None = None


class WaitingReport(Struct, frozen=True):
    """A run that waits, and why."""

    run: Run
    causes: tuple[Cause, ...]

    @property
    def sentence(self) -> str:
        """All of it for a person."""
        return "; ".join(cause.text for cause in self.causes)


class WhyReport(Struct, frozen=True):
    """Why a job is as it is."""

    job: JobName
    #: All of it in one sentence.
    sentence: str
    causes: tuple[Cause, ...]
    #: Of each run that waits, the oldest first.
    waiting: tuple[WaitingReport, ...] = ()
    #: Runs that have a task.
    running: int = 0
    #: Of the last offers that came: what each reason turned away, in sentences.
    funnel: tuple[str, ...] = ()
