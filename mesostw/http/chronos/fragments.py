"""
Jobs as JSON, each encoded once for as long as it does not change.

A list of ten thousand jobs is joined of fragments; what changed since it was last asked for is
encoded, the rest is not looked at.
"""

from __future__ import annotations

from typing import Final

import attrs

from mesostw.core.chronos.emitting import document_of
from mesostw.core.chronos.records import Job, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import Dialect
from mesostw.http.building import Build
from mesostw.http.chronos.asking import encoded
from mesostw.model.jobs import JobName

#: Jobs between two places where a list may be interrupted.
JOBS_PER_STEP: Final = 100


@attrs.define
class Fragment:
    """A job's JSON, and what it was made of."""

    job: Job
    standing: Standing
    body: bytes


class Fragments:
    """
    Every job in one dialect.

    :param mirrors: whether ``uris`` and ``fetch`` are each shown in the other's form too.
    """

    def __init__(self, dialect: Dialect, *, mirrors: bool = False) -> None:
        self._dialect, self._mirrors = dialect, mirrors
        self._kept: dict[JobName, Fragment] = {}

    @property
    def count(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def of(self, view: ChronosState, job: Job) -> bytes:
        """A job's JSON."""
        standing = view.standing_of(job.name)
        kept = self._kept.get(job.name)
        if kept is not None and kept.job is job and kept.standing == standing:
            return kept.body
        body = encoded(document_of(job, standing, self._dialect, mirrors=self._mirrors))
        self._kept[job.name] = Fragment(job, standing, body)
        self._forget(view)
        return body

    def all(self, view: ChronosState) -> Build:
        """Every job, in the order that they came, as an array on one line."""
        parts = []
        for index, job in enumerate(tuple(view.jobs.values())):
            if index % JOBS_PER_STEP == JOBS_PER_STEP - 1:
                yield
            parts.append(self.of(view, job))
        return b"[" + b",".join(parts) + b"]"

    def _forget(self, view: ChronosState) -> None:
        """Drop what is of removed jobs, once that is a tenth, and more than a few."""
        if len(self._kept) > 1.1 * len(view.jobs) + JOBS_PER_STEP:
            self._kept = {name: one for name, one in self._kept.items() if name in view.jobs}
