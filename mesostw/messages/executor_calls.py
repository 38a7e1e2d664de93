"""
What an executor says to its agent, one struct a call.

The ids of framework and executor are not in a call: on the bus the link is bound
to them by its hello, over HTTP they stand in the envelope.
"""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body
from mesostw.messages.tasks import TaskInfo, TaskStatus


class Subscribe(Body, frozen=True, kw_only=True):
    """Register, or come back with all that the agent has not acknowledged."""

    #: Launched here, of which no report has been acknowledged.
    unacknowledged_tasks: Annotated[tuple[TaskInfo, ...], 1] = ()
    #: Oldest first.
    unacknowledged_updates: Annotated[tuple[Update, ...], 2] = ()


class Update(Body, frozen=True, kw_only=True):
    """A report about a task; repeated until acknowledged."""

    status: Annotated[TaskStatus, 1]


class Message(Body, frozen=True, kw_only=True):
    """Bytes for the scheduler; may be lost."""

    data: Annotated[bytes, 2]


class Heartbeat(Body, frozen=True, kw_only=True):
    """The link is alive."""
