"""The live face of a Marathon, joined: what its site and its daemon need of this room."""

from __future__ import annotations

from collections.abc import Callable

from mesostw.core.marathon.fitness import is_healthy, is_ready
from mesostw.feed.banner import FrameworkBanner
from mesostw.feed.face import Face, face_of
from mesostw.feed.marathon_layout import Judgement, MarathonLayout
from mesostw.feed.snapshots import Offload
from mesostw.interfaces import IClock, IFeed


def marathon_face(
    feed: IFeed,
    clock: IClock,
    banner: Callable[[], FrameworkBanner],
    offload: Offload,
    origins: frozenset[str] = frozenset(),
) -> Face:
    """
    Follow Marathon's ``feed`` from now on.

    :param offload: compresses elsewhere; ``deferToThread`` with its order of arguments.
    :param origins: further origins whose pages may look.
    """
    judgement = Judgement(is_healthy=is_healthy, is_ready=is_ready)
    return face_of(
        feed,
        clock,
        lambda clients: MarathonLayout(feed, banner, judgement, clock.wall, clients),
        banner().version,
        offload,
        origins,
    )
