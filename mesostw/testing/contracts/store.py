"""What :class:`~mesostw.interfaces.IStore` promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from mesostw.interfaces import Deposed, IStore, Stored, StoreFailed

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = object

T = TypeVar("T")
X = TypeVar("X", bound=Exception)


def note(deferred: Deferred[None], fired: list[T], what: T) -> None:
    """Append ``what`` to ``fired`` when ``deferred`` fires."""
    _ = deferred.addCallback(lambda _: fired.append(what))


class StoreContract(Base):
    """
    Mix into a ``SynchronousTestCase``.

    ``make()`` gives a new store on the same disk each time it is called in one test.
    """

    def make(self) -> IStore:
        """Another store on this test's one disk."""
        raise NotImplementedError

    def settled(self, deferred: Deferred[T]) -> Deferred[T]:
        """``deferred`` once it has fired; override where that takes more than a call."""
        return deferred

    def result(self, deferred: Deferred[T]) -> T:
        """What ``deferred`` fires with."""
        return self.successResultOf(self.settled(deferred))

    def fault(self, deferred: Deferred[T], kind: type[X]) -> X:
        """What ``deferred`` fails with."""
        failure = self.failureResultOf(self.settled(deferred), kind)
        assert isinstance(failure.value, kind)
        return failure.value

    def opened(self) -> tuple[IStore, Stored]:
        """A store that has been read."""
        store = self.make()
        return store, self.result(store.read())

    def test_provides(self) -> None:
        """A store has every method of the port."""
        store = self.make()
        verifyObject(IStore, store)
        self.result(store.close())

    def test_empty(self) -> None:
        """A new store has no records and an epoch above 0."""
        store, stored = self.opened()
        self.assertEqual(dict(stored.records), {})
        self.assertGreater(stored.epoch, 0)
        self.result(store.close())

    def test_last_value(self) -> None:
        """A key has its last value, across groups and within one; ``None`` removes it."""
        store, stored = self.opened()
        for group in (
            [("a", b"1"), ("b", b"1"), ("c", b"1")],
            [("a", b"2"), ("b", None), ("c", None), ("c", b"3"), ("d", b"1"), ("d", None)],
            [("never", None)],
        ):
            self.result(store.append(group, stored.epoch))
        self.result(store.close())
        again, kept = self.opened()
        self.assertEqual(dict(kept.records), {"a": b"2", "c": b"3"})
        self.result(again.close())

    def test_order(self) -> None:
        """Appends fire in the order they were made, the empty ones too."""
        store, stored = self.opened()
        fired: list[int] = []
        last: Deferred[None] | None = None
        for number in range(50):
            group = [("n", str(number).encode())] if number % 3 else []
            last = store.append(group, stored.epoch)
            note(last, fired, number)
        assert last is not None
        self.result(last)
        self.assertEqual(fired, list(range(50)))
        self.assertEqual(dict(self.result(store.read()).records), {"n": b"49"})
        self.result(store.close())

    def test_epochs_grow(self) -> None:
        """Each read has a greater epoch than every read before it, of any store."""
        first, one = self.opened()
        second, two = self.opened()
        three = self.result(first.read())
        self.assertLess(one.epoch, two.epoch)
        self.assertLess(two.epoch, three.epoch)
        self.result(first.close())
        self.result(second.close())

    def test_deposed(self) -> None:
        """Once another has read, an append fails, keeps nothing, and so do all later ones."""
        old, before = self.opened()
        new, after = self.opened()
        self.fault(old.append([("k", b"old")], before.epoch), Deposed)
        self.result(new.append([("k", b"new")], after.epoch))
        self.fault(old.append([("k", b"old"), ("l", b"old")], before.epoch), Exception)
        self.result(old.close())
        self.result(new.close())
        last, kept = self.opened()
        self.assertEqual(dict(kept.records), {"k": b"new"})
        self.result(last.close())

    def test_big_group(self) -> None:
        """A group of several megabytes and ten thousand keys is one group."""
        store, stored = self.opened()
        group = [(f"agents/{number}", b"x" * 400) for number in range(10_000)]
        self.result(store.append([*group, ("one", b"y" * 2_000_000)], stored.epoch))
        kept = self.result(store.read()).records
        self.assertEqual(len(kept), 10_001)
        self.assertEqual(len(kept["one"]), 2_000_000)
        self.result(store.close())

    def test_bytes(self) -> None:
        """A key may be any text and a value any bytes, also none at all."""
        store, stored = self.opened()
        group = {"a/b c/\u00e9\U0001f600": bytes(range(256)), "empty": b""}
        self.result(store.append(list(group.items()), stored.epoch))
        self.assertEqual(dict(self.result(store.read()).records), group)
        self.result(store.close())

    def test_closing(self) -> None:
        """Closing fires after what was appended before; then nothing more is kept."""
        store, stored = self.opened()
        fired: list[str] = []
        note(store.append([("k", b"1")], stored.epoch), fired, "kept")
        closing = store.close()
        note(closing, fired, "closed")
        self.result(closing)
        self.assertEqual(fired, ["kept", "closed"])
        self.fault(store.append([("k", b"2")], stored.epoch), StoreFailed)
        again, kept = self.opened()
        self.assertEqual(dict(kept.records), {"k": b"1"})
        self.result(again.close())
