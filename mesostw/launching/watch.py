"""
What the supervisor waits for: file descriptors, by epoll, each with what to do then.

Imports little: the supervisor uses it.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Final

READ: Final = select.EPOLLIN
READ_AND_WRITE: Final = select.EPOLLIN | select.EPOLLOUT


class Watch:
    """
    Calls what was given for each descriptor that is ready.

    A call may come once too often, if one call of a round closes a descriptor whose
    number another then takes: so each must bear to find nothing.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._reactions: dict[int, Callable[[], None]] = {}

    def add(self, fd: int, react: Callable[[], None]) -> None:
        """Call ``react`` whenever ``fd`` can be read or has ended."""
        self._epoll.register(fd, READ)
        self._reactions[fd] = react

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        """
        Forget ``fd``; to be called before it is closed.

        A child that is just being forked still has it open, and epoll forgets by itself
        only what nobody has open.
        """
        self._epoll.unregister(fd)
        del self._reactions[fd]

    def round(self, timeout_s: float | None) -> None:
        """Wait until something is ready, at most ``timeout_s``, and call for all that is."""
        for fd, _ in self._epoll.poll(timeout_s):
            react = self._reactions.get(fd)
            if react is not None:
                react()
