"""The file of records."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from mesostw.launching.records import RECORD_BYTES, Record, Records

MARKER = 2**61 + 5


class RecordTests(SynchronousTestCase):
    """What is written is read by the next supervisor."""

    def setUp(self) -> None:
        self.path = self.mktemp()
        self.records = Records(self.path)
        self.records.read()

    def again(self) -> dict[str, Record]:
        return Records(self.path).read()

    def test_states(self) -> None:
        """A container is live, has exited with a status or without, or has failed."""
        for name in "abcd":
            self.records.begun(name, MARKER)
        self.records.exited("b", MARKER, 9)
        self.records.exited("c", MARKER, None)
        self.records.failed("d", MARKER, "USER", 'no "user"\n')
        self.assertEqual(
            self.again(),
            {
                "a": Record("live", MARKER, 0, "", ""),
                "b": Record("exited", MARKER, 9, "", ""),
                "c": Record("exited", MARKER, None, "", ""),
                "d": Record("failed", MARKER, 0, "USER", 'no "user"\n'),
            },
        )

    def test_forgotten(self) -> None:
        """What is forgotten is gone, and its room is used again."""
        self.records.begun("a", MARKER)
        self.records.begun("b", MARKER)
        self.records.forget("a")
        self.records.forget("never known")
        self.records.begun("c", MARKER)
        self.assertEqual(sorted(self.again()), ["b", "c"])
        self.assertEqual(os.path.getsize(self.path), 2 * RECORD_BYTES)

    def test_free_room_after_reading(self) -> None:
        """A supervisor uses the room that the one before it has freed."""
        self.records.begun("a", MARKER)
        self.records.begun("b", MARKER)
        self.records.forget("a")
        later = Records(self.path)
        later.read()
        later.begun("c", MARKER)
        self.assertEqual(sorted(self.again()), ["b", "c"])
        self.assertEqual(os.path.getsize(self.path), 2 * RECORD_BYTES)

    def test_long_texts(self) -> None:
        """The longest id fits, and a long message is cut rather than written over others."""
        name = "x" * 255
        self.records.begun(name, MARKER)
        self.records.begun("b", MARKER)
        self.records.failed(name, MARKER, "SANDBOX", "\N{SNOWMAN}" * 5000)
        found = self.again()
        self.assertEqual(found["b"].state, "live")
        self.assertEqual(set(found[name].message), {"\N{SNOWMAN}"})

    def test_torn(self) -> None:
        """A slot that a machine's end left half written is no record."""
        self.records.begun("a", MARKER)
        self.records.begun("b", MARKER)
        with open(self.path, "r+b") as file:
            file.write(bytes(60))
        self.assertEqual(sorted(self.again()), ["b"])
