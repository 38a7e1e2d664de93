"""Durable values come back as they were, or are named as unreadable."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.wire.records import QUARANTINE, Decoding, encode_record


class Kept(Struct, frozen=True, omit_defaults=True):
    """A durable value."""

    name: str
    count: int = 0


class Older(Struct, frozen=True):
    """What an older program knew of it."""

    name: str


class RecordTests(SynchronousTestCase):
    """Typed by the first part of the key."""

    @given(st.text(), st.integers(-(2**63), 2**64 - 1))
    def test_round_trip(self, name: str, count: int) -> None:
        """Any value comes back equal; an older program reads what it knows."""
        stored = {"kept/1": encode_record(Kept(name, count))}
        self.assertEqual(list(Decoding(stored, {"kept": Kept})), [("kept/1", Kept(name, count))])
        self.assertEqual(list(Decoding(stored, {"kept": Older})), [("kept/1", Older(name))])

    @given(st.binary(max_size=40))
    def test_garbage(self, garbage: bytes) -> None:
        """Any bytes give a value or a reason."""
        decoding = Decoding({"kept/1": garbage}, {"kept": Kept})
        self.assertEqual(len(list(decoding)) + len(decoding.unreadable), 1)

    def test_others(self) -> None:
        """Unknown kinds are named and left alone; the quarantine is not looked into."""
        stored = {"newer/1": b"\x02", f"{QUARANTINE}/kept/1": b"bad"}
        decoding = Decoding(stored, {"kept": Kept})
        self.assertEqual(list(decoding), [])
        self.assertEqual((decoding.unknown, decoding.unreadable), (["newer/1"], {}))

    def test_form(self) -> None:
        """Another form is named, not guessed at."""
        decoding = Decoding({"kept/1": b"\x07\x80", "kept/2": b""}, {"kept": Kept})
        self.assertEqual(list(decoding), [])
        self.assertIn("07", decoding.unreadable["kept/1"])
        self.assertIn("nothing", decoding.unreadable["kept/2"])
