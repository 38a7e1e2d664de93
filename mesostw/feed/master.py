"""The live face of a master, joined: what its site and its daemon need of this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
from twisted.web.resource import IResource

from mesostw.core.master.state import ClusterState, Task
from mesostw.feed import rows
from mesostw.feed.face import face_of
from mesostw.feed.layout import Banner, MasterLayout
from mesostw.feed.live import Live
from mesostw.feed.snapshots import Offload
from mesostw.interfaces import IClock, IFeed


@attrs.frozen
class LiveParts:
    """``/api/v1/live`` and ``/api/v1/snapshot``, and the sessions behind both."""

    live: Live
    socket: IResource
    snapshots: IResource
    task_row: Callable[[Task], Mapping[str, object]]


def live_parts(
    feed: IFeed,
    clock: IClock,
    banner: Callable[[], Banner],
    offload: Offload,
    origins: frozenset[str] = frozenset(),
) -> LiveParts:
    """
    Follow ``feed`` from now on.

    :param offload: compresses elsewhere; ``deferToThread`` with its order of arguments.
    :param origins: further origins whose pages may look.
    """
    face = face_of(
        feed,
        clock,
        lambda clients: MasterLayout(feed, banner, clock.wall, clients),
        banner().version,
        offload,
        origins,
    )

    def task_row(task: Task) -> Mapping[str, object]:
        view: ClusterState = feed.view
        agent = view.agents.get(task.agent_id)
        hostname = "" if agent is None else agent.info.hostname
        row = rows.task_row(task, hostname, active=task.key in view.tasks)
        shape = dict(zip(rows.TASK_COLUMNS, row, strict=True))
        return {**shape, "state": task.state.value}

    return LiveParts(face.live, face.socket, face.snapshots, task_row)
