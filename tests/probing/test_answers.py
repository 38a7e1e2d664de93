"""Answers as they come, in pieces of any size."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.probing.answers import (
    CHUNK_LINE_BYTES_MAX,
    HEAD_BYTES_MAX,
    UNWANTED_BYTES_MAX,
    Answer,
    BadAnswer,
)

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
)
LENGTH = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\nCONTENT-TYPE: text/plain\r\n\r\nhello world"
TO_THE_END = b"HTTP/1.0 200 OK\nContent-Type: text/plain\n\nhello world"
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + LENGTH


def read(raw: bytes, body_bytes_max: int = 0, ended: bool = True) -> Answer:
    """An answer that has come in one piece."""
    answer = Answer(body_bytes_max)
    answer.receive(raw)
    if ended:
        answer.ended()
    return answer


class AnswerTests(SynchronousTestCase):
    """What is read of an answer."""

    @given(
        st.sampled_from([CHUNKED, LENGTH, TO_THE_END, CONTINUED]),
        st.lists(st.integers(0, len(CONTINUED)), max_size=6),
        st.sampled_from([0, 4, 1000]),
    )
    def test_pieces(self, raw: bytes, cuts: list[int], wanted: int) -> None:
        """How an answer is cut into pieces makes no difference."""
        answer = Answer(wanted)
        marks = [0, *sorted(cuts), len(raw)]
        for start, end in pairwise(marks):
            answer.receive(raw[start:end])
        answer.ended()
        self.assertEqual(
            (answer.status, answer.content_type, answer.body),
            (200, "text/plain", b"hello world"[:wanted]),
        )

    def test_complete_before_the_end(self) -> None:
        """Where the answer says how long it is, nobody waits for the connection's end."""
        for raw in (CHUNKED, LENGTH, CONTINUED, b"HTTP/1.1 204 No Content\r\n\r\n"):
            self.assertTrue(read(raw, 1000, ended=False).complete)
        self.assertFalse(read(TO_THE_END, 1000, ended=False).complete)

    def test_enough(self) -> None:
        """An endless answer is complete once there is as much as anybody wants."""
        head = b"HTTP/1.1 200 OK\r\n\r\n"
        self.assertTrue(read(head + b"x" * 10, 10, ended=False).complete)
        self.assertFalse(read(head + b"x" * 10, 11, ended=False).complete)
        self.assertTrue(read(head + b"x" * UNWANTED_BYTES_MAX, ended=False).complete)

    def test_bad(self) -> None:
        """What is no HTTP is found at once, or at the end, and said in words."""
        for raw, words in (
            (b"", "without an answer"),
            (b"HTTP/1.1 200 OK\r\nA: b\r\n", "half an answer"),
            (b"SSH-2.0-OpenSSH_9\r\n", "no HTTP"),
            (b"HTTP/1.1 OK\r\n\r\n", "no HTTP"),
            (b"HTTP/1.1 20 OK\r\n\r\n", "no HTTP"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length of '-1'"),
            (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * HEAD_BYTES_MAX, "headers of more than"),
            (CHUNKED.replace(b"6;x=y", b"six"), "a chunk's size of b'six'"),
            (CHUNKED.replace(b"6;x=y", b"-1"), "a chunk's size of b'-1'"),
            (CHUNKED.replace(b"6;x=y", b"0x6"), "a chunk's size of b'0x6'"),
            (CHUNKED.replace(b"6;x=y", b"6;" + b"x" * CHUNK_LINE_BYTES_MAX), "a chunk's size of"),
            (CHUNKED.replace(b"hello\r\n", b"hello, "), "a chunk's size of b', 6;x=y'"),
            (LENGTH[:-1], "in the middle"),
            (CHUNKED[:-5], "in the middle"),
        ):
            with self.assertRaises(BadAnswer) as caught:
                read(raw, 1000)
            self.assertIn(words, str(caught.exception))

    def test_body_cut_short_but_not_wanted(self) -> None:
        """A code is an answer even if the body never comes."""
        self.assertEqual(read(LENGTH[:-5]).status, 200)
