"""Attributes of agents."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.attributes import Attributes, AttributesError


class AttributesTests(SynchronousTestCase):
    """``name:value;...`` is read, shown and printed."""

    def test_reads(self) -> None:
        """Numbers, ranges and text are told apart; the text form round-trips."""
        found = Attributes.parse("rack:r1;level:2.5;ports:[1-2,5-9];url:http://x;odd:nan;neg:-1")
        self.assertEqual(
            list(found),
            [
                ("rack", "r1"),
                ("level", 2500),
                ("ports", ((1, 2), (5, 9))),
                ("url", "http://x"),
                ("odd", "nan"),
                ("neg", "-1"),
            ],
        )
        self.assertEqual(Attributes.parse(found.text()), found)
        self.assertEqual(hash(Attributes.parse(found.text())), hash(found))
        self.assertEqual(found.get("rack"), "r1")
        self.assertIsNone(found.get("missing"))

    def test_flat(self) -> None:
        """``/state`` shows scalars as numbers and all else as text."""
        flat = Attributes.parse("level:2;rack:r1;p:[1-2]").flat()
        self.assertEqual(flat, {"level": 2.0, "rack": "r1", "p": "[1-2]"})

    def test_refused(self) -> None:
        """A part without name or value, or with broken ranges, is refused."""
        for text in ("rack", ":r1", "rack:", "p:[2-1]", "p:[1-2"):
            self.assertRaises(AttributesError, Attributes.parse, text)
