"""What :class:`~mesostw.interfaces.INotifier` promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesostw.core.chronos.records import Notice
from mesostw.core.chronos.words import Notified
from mesostw.interfaces import INotifier
from mesostw.model.jobs import Channel, Hook, JobName, NoticeId, Occasion

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as _Case
else:
    _Case = object


def notice(name: str) -> Notice:
    """A notice to a webhook."""
    return Notice(
        id=NoticeId(name),
        occasion=Occasion.FAILURE,
        job=JobName("a"),
        at=0.0,
        subject="[Chronos] job 'a' failed",
        text="It did.",
        hook=Hook(channel=Channel.WEBHOOK, target="http://there.example/hook"),
    )


class NotifierContract(_Case):
    """Mixed into a test case that has ``notifier()`` and ``settle``."""

    def notifier(self, told: list[Notified]) -> INotifier:
        """A notifier that tells ``told``, and whose other side keeps silent."""
        raise NotImplementedError

    def settle(self, notice_id: NoticeId, delivered: bool) -> None:
        """Have the other side take a notice, or refuse it for good."""
        raise NotImplementedError

    def test_told_once(self) -> None:
        """What has become of a notice is said once, whichever end it has."""
        told: list[Notified] = []
        notifier = self.notifier(told)
        for name in ("n1", "n2"):
            notifier.bring(notice(name))
        self.assertEqual(told, [])
        self.settle(NoticeId("n2"), True)
        self.settle(NoticeId("n1"), False)
        found = [(one.notice_id, one.delivered) for one in told]
        self.assertEqual(found, [("n2", True), ("n1", False)])

    def test_twice_under_way(self) -> None:
        """A notice that is under way is not brought a second time beside it."""
        told: list[Notified] = []
        notifier = self.notifier(told)
        notifier.bring(notice("n1"))
        notifier.bring(notice("n1"))
        self.settle(NoticeId("n1"), True)
        self.assertEqual(len(told), 1)

    def test_closed(self) -> None:
        """After its close nothing is said any more, and nothing is brought."""
        told: list[Notified] = []
        notifier = self.notifier(told)
        notifier.bring(notice("n1"))
        notifier.close()
        notifier.bring(notice("n2"))
        self.settle(NoticeId("n1"), True)
        self.settle(NoticeId("n2"), True)
        self.assertEqual(told, [])
