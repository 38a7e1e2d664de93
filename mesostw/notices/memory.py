"""Notices that go nowhere: who brings them is a test, which says what becomes of each."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from mesostw.core.chronos.records import Notice
from mesostw.core.chronos.words import Notified
from mesostw.interfaces import INotifier
from mesostw.model.jobs import NoticeId


@implementer(INotifier)
class MemoryNotifier:
    """
    Keeps notices until :meth:`settle`.

    ``brought`` has all that were ever given, in order; one twice if it came twice.
    """

    def __init__(self, tell: Callable[[Notified], None]) -> None:
        self._tell = tell
        self.brought: list[Notice] = []
        self.under_way: dict[NoticeId, Notice] = {}
        self._closed = False

    def bring(self, notice: Notice) -> None:
        """Keep one."""
        if self._closed or notice.id in self.under_way:
            return
        self.brought.append(notice)
        self.under_way[notice.id] = notice

    def settle(self, notice_id: NoticeId, delivered: bool = True, detail: str = "") -> None:
        """Say that one was brought, or was not."""
        if self.under_way.pop(notice_id, None) is not None:
            self._tell(Notified(notice_id, delivered, detail))

    def close(self) -> None:
        """Say nothing more."""
        self._closed = True
        self.under_way.clear()
