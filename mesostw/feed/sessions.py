"""One live client: what it follows, up to where it knows each topic, and its limits."""

from __future__ import annotations

from typing import Protocol

from mesostw.feed.frames import Frame


class Outlet(Protocol):
    """Where a session's frames go."""

    def say(self, frame: Frame) -> None:
        """Send ``frame``; never raises, never calls back in the same call."""

    def end(self, code: int, reason: str) -> None:
        """Close with ``code``, from 4000 to 4999 as applications may, after what was said."""


class Session:
    """One client: what it follows, up to where it knows each topic, and its limits."""

    __slots__ = (
        "at", "ended", "greeted", "heard_in_second", "hidden", "opened", "outlet",
        "paused_since", "second", "subscriptions",
    )  # fmt: skip

    def __init__(self, outlet: Outlet, now: float) -> None:
        self.outlet, self.opened = outlet, now
        self.greeted = self.hidden = self.ended = False
        self.paused_since: float | None = None
        #: The number of the subscription of each topic, and up to where the topic is known.
        self.subscriptions: dict[str, int] = {}
        self.at: dict[str, int] = {}
        self.second, self.heard_in_second = 0, 0

    @property
    def is_late(self) -> bool:
        """Whether shared frames pass it by; see Note [Late]."""
        return self.hidden or self.paused_since is not None

    def leave(self, topic: str) -> None:
        """Follow ``topic`` no more."""
        self.subscriptions.pop(topic, None)
        self.at.pop(topic, None)
