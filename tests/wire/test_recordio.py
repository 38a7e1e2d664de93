"""Tests for ``mesostw.wire.recordio``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.wire.errors import MalformedRecord
from mesostw.wire.recordio import RECORD_BYTES_MAX, Records, encode


class RecordsTests(SynchronousTestCase):
    """Records come out as they went in, however the bytes were cut."""

    def test_golden(self) -> None:
        """A length counts bytes, not characters."""
        self.assertEqual(encode(b'{"type":"HEARTBEAT"}'), b'20\n{"type":"HEARTBEAT"}')
        self.assertEqual(encode("gr\u00fc\u00df".encode()), b"6\ngr\xc3\xbc\xc3\x9f")

    @given(st.lists(st.binary(min_size=1, max_size=30), max_size=6), st.lists(st.integers(0, 200)))
    def test_any_cut(self, records: list[bytes], cuts: list[int]) -> None:
        """Whatever the reads are, the records are the same and in order."""
        data = b"".join(map(encode, records))
        ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
        stream = Records()
        found: list[bytes] = []
        start = 0
        for end in ends:
            found += stream.take(data[start:end])
            start = end
        self.assertEqual(found, records)
        self.assertFalse(stream.unfinished)

    def test_unfinished(self) -> None:
        """A stream that ends within a record can be told from one that ends after it."""
        for part in (b"1", b"12", b"12\n", b"12\nabc"):
            stream = Records()
            self.assertEqual(stream.take(part), [])
            self.assertTrue(stream.unfinished)

    def test_refused(self) -> None:
        """Lengths that are none, are 0 or are over the limit are refused at once."""
        for data in (
            b"\n",
            b"0\n",
            b"-1\nx",
            b"+1\nx",
            b" 1\nx",
            b"1_0\n",
            b"abc",
            b"{",
            b"16777217\n",
            b"999999999999999",
            b"\xb2\n",
        ):
            with self.assertRaises(MalformedRecord, msg=str(data)):
                Records().take(data)

    def test_limit(self) -> None:
        """The limit is the largest record that is taken."""
        stream = Records(bytes_max=3)
        self.assertEqual(stream.take(b"3\nabc"), [b"abc"])
        with self.assertRaises(MalformedRecord):
            stream.take(b"4\n")
        self.assertEqual(RECORD_BYTES_MAX, 16 * 1024 * 1024)

    @given(st.binary(max_size=60))
    def test_garbage(self, data: bytes) -> None:
        """Any bytes give records or ``MalformedRecord``."""
        try:
            found = Records().take(data)
        except MalformedRecord:
            return
        self.assertLessEqual(sum(map(len, found)), len(data))
