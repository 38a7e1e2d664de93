"""Names and versions are given once, and the same in the same life."""

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.naming import Names, stamp_after, stamp_of

NONCE = bytes(range(8))


class NameTests(SynchronousTestCase):
    """Names of one life."""

    def test_counted(self) -> None:
        """A life never gives a name twice, and its like gives the same ones."""
        one, other = Names(NONCE), Names(NONCE)
        given = [one.next() for _ in range(1000)]
        self.assertEqual(len(set(given)), 1000)
        self.assertEqual([other.next() for _ in range(1000)], given)
        self.assertEqual(given[0], "00010203-0405-0607-0000-000000000001")

    def test_nonce(self) -> None:
        """A nonce of another length is refused with the length that is needed."""
        error = self.assertRaises(ValueError, Names, b"short")
        self.assertIn("8 bytes, not 5", str(error))


class StampTests(SynchronousTestCase):
    """Versions are times, but never go back."""

    def test_form(self) -> None:
        """A stamp has three decimals always."""
        self.assertEqual(stamp_of(0.0), "1970-01-01T00:00:00.000Z")
        self.assertEqual(stamp_of(1.25), "1970-01-01T00:00:01.250Z")

    def test_later(self) -> None:
        """While the clock stands, or goes back, versions go on by a millisecond."""
        last = stamp_of(1_700_000_000.999)
        for wall in (1_700_000_000.999, 1_600_000_000.0, 0.0):
            stamp = stamp_after(last, wall)
            self.assertGreater(stamp, last)
            last = stamp
        self.assertEqual(last, "2023-11-14T22:13:21.002Z")

    def test_clock(self) -> None:
        """A clock that went on gives its time."""
        self.assertEqual(stamp_after(stamp_of(10.0), 20.0), stamp_of(20.0))
