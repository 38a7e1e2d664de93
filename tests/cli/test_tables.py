"""How values look on a terminal."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.cli.tables import age, number, share, table


class TableTests(SynchronousTestCase):
    """Columns line up, and numbers stand to the right."""

    def test_columns(self) -> None:
        """Each column is as wide as its widest value."""
        self.assertEqual(
            table(("id", "cpus"), [("a", "0.5"), ("long-one", "12")]),
            "ID        CPUS\na          0.5\nlong-one    12",
        )

    def test_empty(self) -> None:
        """A table without rows still says what would be in it."""
        self.assertEqual(table(("id", "cpus"), []), "ID  CPUS")

    def test_numbers(self) -> None:
        """No more digits than mean something."""
        self.assertEqual([number(n) for n in (0.1, 4.0, 1.2345)], ["0.1", "4", "1.234"])
        self.assertEqual(share(0.5, 4.0), "0.5/4")

    def test_ages(self) -> None:
        """The largest unit is enough; an unknown time and one in the future are no error."""
        ages = [age(then, 100_000.0) for then in (99_995.0, 99_000.0, 60_000.0, 1.0, None)]
        self.assertEqual(ages, ["5s", "16m", "11h", "1d", "-"])
        self.assertEqual(age(100_001.0, 100_000.0), "0s")
