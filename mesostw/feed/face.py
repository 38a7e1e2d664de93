"""What a daemon's site needs to be followed by browsers, whatever its layout."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.web.resource import IResource

from mesostw.feed.board import Board, Layout
from mesostw.feed.live import Live
from mesostw.feed.snapshots import Offload, SnapshotResource, Snapshots
from mesostw.feed.socket import LiveFactory, LiveResource
from mesostw.interfaces import IClock, IFeed


@attrs.frozen
class Face:
    """``/api/v1/live`` and ``/api/v1/snapshot``, and the sessions behind both."""

    live: Live
    socket: IResource
    snapshots: IResource


def face_of(
    feed: IFeed,
    clock: IClock,
    layout_of: Callable[[Callable[[], int]], Layout],
    version: str,
    offload: Offload,
    origins: frozenset[str] = frozenset(),
) -> Face:
    """
    Follow ``feed`` from now on.

    :param layout_of: makes the layout, given what counts the live clients.
    :param version: of the software, for the page to notice that it is older.
    :param offload: compresses elsewhere; ``deferToThread`` with its order of arguments.
    :param origins: further origins whose pages may look.
    """
    made: list[Live] = []
    layout = layout_of(lambda: sum(len(one.sessions) for one in made))
    live = Live(Board(feed, layout), clock, version)
    made.append(live)
    return Face(
        live,
        LiveResource(LiveFactory(live, clock), origins),
        SnapshotResource(Snapshots(live, clock.seconds, offload)),
    )
