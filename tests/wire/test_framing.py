"""Tests for ``mesostw.wire.framing``."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.wire.errors import MalformedFrame
from mesostw.wire.framing import FRAME_BYTES_MAX, Frame, Frames, frame, rerouted

SOME_FRAMES = st.lists(
    st.tuples(
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**32 - 1),
        st.binary(max_size=40),
    ),
    max_size=6,
)


def written(frames: list[Frame]) -> bytes:
    """The frames as they go on the wire."""
    return b"".join(frame(kind, body, route, flags) for kind, flags, route, body in frames)


class FramesTests(SynchronousTestCase):
    """Frames come out as they went in, however the bytes were cut."""

    def test_golden(self) -> None:
        """The header is length, kind, flags and route, big-endian."""
        self.assertEqual(
            frame(305, b"body", route=7, flags=1),
            bytes.fromhex("0000000c 0131 0001 00000007") + b"body",
        )

    @given(SOME_FRAMES, st.lists(st.integers(0, 400)))
    def test_any_cut(self, frames: list[Frame], cuts: list[int]) -> None:
        """Whatever the reads are, the frames are the same and in order."""
        data = written(frames)
        ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
        parser = Frames()
        found: list[Frame] = []
        start = 0
        for end in ends:
            found += parser.take(data[start:end])
            start = end
        self.assertEqual(found, frames)
        self.assertFalse(parser.unfinished)

    @given(SOME_FRAMES)
    def test_byte_by_byte(self, frames: list[Frame]) -> None:
        """One byte a read is enough, and each frame comes out with its last byte."""
        parser = Frames()
        found: list[Frame] = []
        for byte in written(frames):
            found += parser.take(bytes([byte]))
        self.assertEqual(found, frames)

    def test_unfinished(self) -> None:
        """A parser knows that it waits for the rest of a frame."""
        parser, ready = Frames(), frame(1, b"abc")
        for count in (1, 4, 11, 12, 14):
            parser = Frames()
            self.assertEqual(parser.take(ready[:count]), [])
            self.assertTrue(parser.unfinished)
            self.assertEqual(parser.take(ready[count:]), [(1, 0, 0, b"abc")])
            self.assertFalse(parser.unfinished)

    def test_routed(self) -> None:
        """A frame with a route is set aside whole, if asked; others come out as ever."""
        routed: defaultdict[int, list[bytes]] = defaultdict(list)
        one, two, three = frame(214, b"a", 7), frame(1, b"b"), frame(214, b"c", 7)
        found = Frames().take(one + two + three, routed)
        self.assertEqual(found, [(1, 0, 0, b"b")])
        self.assertEqual(dict(routed), {7: [one, three]})

    def test_rerouted(self) -> None:
        """Only the route of a frame that is passed on changes."""
        self.assertEqual(rerouted(frame(214, b"a", 7, 3), 9), frame(214, b"a", 9, 3))

    def test_too_long(self) -> None:
        """A frame over the limit is refused by its first four bytes."""
        length = (FRAME_BYTES_MAX + 1).to_bytes(4, "big")
        fault = self.assertRaises(MalformedFrame, Frames().take, length)
        self.assertIn("16777217 bytes", str(fault))
        with self.assertRaises(MalformedFrame):
            Frames().take(length + b"12345678")

    def test_largest(self) -> None:
        """A frame at the limit is taken, and one byte more is not written."""
        largest = bytes(FRAME_BYTES_MAX - 8)
        ((_, _, _, body),) = Frames().take(frame(1, largest))
        self.assertEqual(len(body), len(largest))
        with self.assertRaises(MalformedFrame):
            frame(1, largest + b"x")

    def test_too_short(self) -> None:
        """A length that cannot hold the header is refused at once."""
        for length in range(8):
            with self.assertRaises(MalformedFrame):
                Frames().take(length.to_bytes(4, "big"))
            with self.assertRaises(MalformedFrame):
                Frames().take(length.to_bytes(4, "big") + bytes(20))

    def test_other_protocols(self) -> None:
        """HTTP and TLS look like huge frames, and are refused."""
        for first in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            with self.assertRaises(MalformedFrame):
                Frames().take(first)

    @given(st.binary(max_size=200))
    def test_garbage(self, data: bytes) -> None:
        """Any bytes give frames or ``MalformedFrame``."""
        try:
            found = Frames().take(data)
        except MalformedFrame:
            return
        self.assertTrue(data.startswith(written(found)))
