"""Tests for ``mesostw.wire.records``."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.messages import AgentID, AgentInfo, FrameworkInfo
from mesostw.testing.strategies import messages
from mesostw.wire.records import QUARANTINE, decode_records, encode_record

TYPES: dict[str, type[Struct]] = {"agents": AgentInfo, "frameworks": FrameworkInfo}


class RecordsTests(SynchronousTestCase):
    """A store's bytes are read by the type of the first part of their key."""

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(messages(AgentInfo), messages(FrameworkInfo))
    def test_round_trip(self, agent: AgentInfo, framework: FrameworkInfo) -> None:
        """What was kept is read."""
        kept: dict[str, Struct] = {"agents/S1": agent, "frameworks/F/1": framework}
        decoded = decode_records({key: encode_record(v) for key, v in kept.items()}, TYPES)
        self.assertEqual((dict(decoded.records), decoded.unknown), (kept, ()))

    def test_form(self) -> None:
        """The form's version stands first, and another one is not guessed at."""
        self.assertEqual(encode_record(AgentID(value="a")), b"\x01\x81\xa5value\xa1a")
        for value in (b"", b"\x02\x80", b"\x80"):
            decoded = decode_records({"agents/S1": value}, TYPES)
            self.assertEqual(list(decoded.unreadable), ["agents/S1"])

    def test_unknown(self) -> None:
        """Keys of a later daemon and what a person is to look at are left alone."""
        decoded = decode_records({"moons/1": b"?", f"{QUARANTINE}/agents/S1": b"?"}, TYPES)
        self.assertEqual(decoded.unknown, ("moons/1",))
        self.assertEqual(dict(decoded.unreadable), {})

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=60))
    def test_garbage(self, value: bytes) -> None:
        """Any bytes are read, or named as unreadable."""
        decoded = decode_records({"agents/S1": b"\x01" + value}, TYPES)
        self.assertEqual(len(decoded.records) + len(decoded.unreadable), 1)
