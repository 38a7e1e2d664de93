"""The live face of a Chronos, joined: what its site and its daemon need of this room."""

from __future__ import annotations

from collections.abc import Callable

from mesostw.feed.banner import FrameworkBanner
from mesostw.feed.chronos_layout import ChronosLayout
from mesostw.feed.face import Face, face_of
from mesostw.feed.snapshots import Offload
from mesostw.interfaces import IClock, IFeed


def chronos_face(
    feed: IFeed,
    clock: IClock,
    banner: Callable[[], FrameworkBanner],
    offload: Offload,
    origins: frozenset[str] = frozenset(),
) -> Face:
    """
    Follow Chronos' ``feed`` from now on.

    :param offload: compresses elsewhere; ``deferToThread`` with its order of arguments.
    :param origins: further origins whose pages may look.
    """
    return face_of(
        feed,
        clock,
        lambda clients: ChronosLayout(feed, banner, clock.wall, clients),
        banner().version,
        offload,
        origins,
    )
