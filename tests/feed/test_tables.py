"""Tables fold lazily, remember what changed and never reuse a handle."""

from __future__ import annotations

from collections.abc import Hashable

from twisted.trial.unittest import SynchronousTestCase

from mesostw.feed.tables import RING_AGE_S, RING_CHANGES_MAX, Row, Table


class TableTests(SynchronousTestCase):
    """One table over a plain dict as its state."""

    def setUp(self) -> None:
        self.state: dict[Hashable, Row] = {}
        self.watched: list[tuple[Row | None, Row | None]] = []
        self.table = Table(
            "t",
            ("id", "n", "m"),
            self.state.get,
            watch=lambda old, new: self.watched.append((old, new)),
        )
        self.seq = 0

    def put(self, key: str, row: Row | None, now: float = 0.0) -> list[object]:
        if row is None:
            self.state.pop(key, None)
        else:
            self.state[key] = row
        self.seq += 1
        self.table.touch(key)
        return list(self.table.ops(self.table.fold(self.seq, now)))

    def test_a_new_row_is_told_whole(self) -> None:
        """An addition carries every column."""
        self.assertEqual(self.put("a", ("a", 1, 2)), [(1, (1, {"id": "a", "n": 1, "m": 2}))])

    def test_only_changed_columns_are_told(self) -> None:
        """A patch names the columns whose values differ, and no others."""
        self.put("a", ("a", 1, 2))
        self.assertEqual(self.put("a", ("a", 1, 3)), [(1, {"m": 3})])

    def test_nothing_changed(self) -> None:
        """A touched row with the same values is not told, and the number stays."""
        self.put("a", ("a", 1, 2))
        self.assertEqual(self.put("a", ("a", 1, 2)), [])
        self.assertEqual(self.table.sent, 1)

    def test_handles_are_not_used_twice(self) -> None:
        """A key that comes again is another row."""
        self.put("a", ("a", 1, 2))
        self.assertEqual(self.put("a", None), [(1, 0)])
        self.assertEqual(self.put("a", ("a", 1, 2))[0][0], 2)  # type: ignore[index]

    def test_since_gives_present_values(self) -> None:
        """Who resumes is told the present values of the columns that changed meanwhile."""
        for key, row in (("a", ("a", 1, 2)), ("b", ("b", 1, 2)), ("a", ("a", 5, 2))):
            self.put(key, row)
        self.put("a", ("a", 6, 2))
        self.assertEqual(self.table.since(2), [(1, {"n": 6})])
        self.assertEqual(
            self.table.since(1), [(2, (1, {"id": "b", "n": 1, "m": 2})), (1, {"n": 6})]
        )
        self.assertEqual(self.table.since(4), [])
        self.assertIsNone(self.table.since(5))

    def test_old_changes_are_forgotten(self) -> None:
        """Who knows less than the ring remembers is refused, not told half."""
        self.put("a", ("a", 1, 2), now=0.0)
        self.put("a", ("a", 2, 2), now=1.0)
        self.put("a", ("a", 3, 2), now=1.0 + RING_AGE_S)
        self.assertIsNone(self.table.since(0))
        self.assertEqual(self.table.since(2), [(1, {"n": 3})])

    def test_the_ring_is_bounded(self) -> None:
        """However fast rows change, at most ``RING_CHANGES_MAX`` changes are kept."""
        for n in range(3):
            for key in range(RING_CHANGES_MAX // 2):
                self.state[key] = (key, n, 0)
                self.table.touch(key)
            self.seq += 1
            self.table.fold(self.seq, 0.0)
        self.assertIsNone(self.table.since(0))
        self.assertEqual(len(self.table.since(2) or ()), RING_CHANGES_MAX // 2)

    def test_watch_hears_every_replacement(self) -> None:
        """Sums kept beside a table see the old and the new row, once each."""
        self.put("a", ("a", 1, 2))
        self.put("a", ("a", 2, 2))
        self.put("a", None)
        self.assertEqual(
            self.watched,
            [(None, ("a", 1, 2)), (("a", 1, 2), ("a", 2, 2)), (("a", 2, 2), None)],
        )

    def test_columnar(self) -> None:
        """By column the values stand in the order of the handles."""
        self.assertEqual(self.table.columnar(), {"id": [], "n": [], "m": []})
        self.put("a", ("a", 1, 2))
        self.put("b", ("b", 3, 4))
        self.assertEqual(self.table.columnar(), {"id": ["a", "b"], "n": [1, 3], "m": [2, 4]})
