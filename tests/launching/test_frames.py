"""Frames between an agent and its supervisor."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.launching.frames import FRAME_BYTES_MAX, BadFrame, FrameReader, frame, framed

texts = st.text(max_size=20)
sentences = st.lists(
    st.tuples(texts, st.lists(texts | st.integers(-(2**53), 2**53) | st.none(), max_size=3)),
    max_size=5,
)


class FrameTests(SynchronousTestCase):
    """A stream of bytes, cut anywhere, gives the sentences that were said."""

    @given(sentences, st.integers(1, 50))
    def test_round_trip(self, said: list[tuple[str, list[object]]], step: int) -> None:
        """What is said is heard, however the stream is cut."""
        stream = b"".join(frame(word, *rest) for word, rest in said)
        reader, heard = FrameReader(), []
        for at in range(0, len(stream), step):
            heard += reader.feed(stream[at : at + step])
        self.assertEqual(heard, [[word, *rest] for word, rest in said])

    @given(st.binary(max_size=200))
    def test_any_bytes(self, stream: bytes) -> None:
        """Any bytes give sentences or ``BadFrame``, and nothing else."""
        try:
            heard = FrameReader().feed(stream)
        except BadFrame:
            return
        for words in heard:
            self.assertIsInstance(words[0], str)

    def test_long_frame(self) -> None:
        """A frame that is too long is refused by its length alone."""
        length = (FRAME_BYTES_MAX + 1).to_bytes(4, "big")
        self.assertRaises(BadFrame, FrameReader().feed, length)

    def test_no_sentence(self) -> None:
        """JSON that does not begin with a word is refused."""
        for body in (b"{}", b"[]", b"[1]", b"7", b"{", b"\xff"):
            self.assertRaises(BadFrame, FrameReader().feed, framed(body))
