"""The ledger of a log: whatever is cleaned away, what is left says the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.store import ledger
from mesostw.store.ledger import Group, Ledger, Writes, decode_group, encode_group

_WRITES = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.none() | st.binary(max_size=40)), max_size=5
)


class Log:
    """A log in memory, kept by a ledger."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.groups: dict[int, Writes] = {}
        self._next = 0

    def add(self, writes: Writes) -> None:
        """Put a group at the end."""
        size = len(encode_group(writes))
        self.ledger.add(Group(self._next, 1, size, len(writes)), writes)
        self.groups[self._next] = writes
        self._next += 1

    def clean(self) -> None:
        """Copy what counts of the oldest groups to the end."""
        oldest = self.ledger.oldest()
        saved: list[tuple[str, bytes | None]] = []
        for group in oldest:
            saved.extend(self.ledger.counting(group, self.groups[group.first]))
        if saved:
            self.add(saved)
        for group in oldest:
            self.ledger.drop(group)
            del self.groups[group.first]

    def said(self) -> dict[str, bytes]:
        """What a reader finds."""
        found: dict[str, bytes] = {}
        for writes in self.groups.values():
            for key, value in writes:
                if value is None:
                    found.pop(key, None)
                else:
                    found[key] = value
        return found


class LedgerTests(SynchronousTestCase):
    """Random logs."""

    @given(st.lists(st.tuples(_WRITES, st.booleans()), max_size=30))
    def test_cleaned(self, steps: list[tuple[Writes, bool]]) -> None:
        """Cleaning at any time changes nothing of what a log says."""
        self.patch(ledger, "CLEANED_BYTES_MAX", 60)
        log, table = Log(), dict[str, bytes]()
        for writes, cleans in steps:
            log.add(writes)
            for key, value in writes:
                table.pop(key, None)
                if value is not None:
                    table[key] = value
            if cleans and len(log.groups) > 1:
                log.clean()
            self.assertEqual(log.said(), table)
            self.assertEqual(log.ledger.nodes, len(log.groups))

    def test_bounded(self) -> None:
        """A log that is cleaned as it says itself stays about twice as long as what counts."""
        self.patch(ledger, "SLACK_BYTES", 1_000)
        log = Log()
        log.add([(f"still{number}", b"s" * 100) for number in range(100)])
        for number in range(5_000):
            log.add([(f"busy{number % 10}", b"b" * 100)])
            while log.ledger.needs_cleaning():
                log.clean()
        counting = sum(len(key) + len(value) for key, value in log.said().items())
        self.assertEqual(len(log.said()), 110)
        self.assertLess(log.ledger.size, 2.5 * counting + 1_000)

    def test_what_is_not_kept_yet(self) -> None:
        """Only what the log has for certain is cleaned, so that nothing is read in vain."""
        self.patch(ledger, "NODES_MAX", 3)
        books = Ledger()
        groups = [Group(number, 1, 10, 1, kept=False) for number in range(5)]
        for group in groups:
            books.add(group, [(f"k{group.first}", b"v")])
        self.assertFalse(books.needs_cleaning())
        groups[0].kept = groups[1].kept = groups[3].kept = True
        self.assertTrue(books.needs_cleaning())
        self.assertEqual(books.oldest(), groups[:2])

    @given(_WRITES)
    def test_round_trip(self, writes: Writes) -> None:
        """A group is read as it was written."""
        self.assertEqual(decode_group(encode_group(writes)), list(writes))

    @given(st.binary(max_size=30))
    def test_garbage(self, data: bytes) -> None:
        """Any bytes are a group, or an error."""
        try:
            found = decode_group(data)
        except ValueError:
            return
        self.assertIsInstance(found, list)
