"""Label selectors."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.marathon.selectors import selector_of

LABELS = {"tier": "back", "owner": "ann", "a b": "c,d", "empty": ""}


class SelectorTests(SynchronousTestCase):
    """What is selected, and what cannot be read."""

    def test_forms(self) -> None:
        """Every form, with and without blanks; a label has to exist in all of them."""
        for text, wanted in (
            ("tier", True),
            ("empty", True),
            ("nope", False),
            ("tier==back", True),
            (" tier == back ", True),
            ("tier==front", False),
            ("tier!=front", True),
            ("tier!=back", False),
            ("nope!=x", False),
            ("tier in (back, front)", True),
            ("tier in(front)", False),
            ("tier notin (front,x)", True),
            ("tier notin (back)", False),
            ("nope notin (x)", False),
            ("tier,owner==ann", True),
            ("tier,owner==bob", False),
            (r"a\ b==c\,d", True),
            (r"a\ b in (x, c\,d)", True),
        ):
            self.assertEqual(selector_of(text).matches(LABELS), wanted, text)

    def test_unreadable(self) -> None:
        """Anything else is 422."""
        for text in (
            "",
            ",",
            "a,",
            "a=b",
            "a==",
            "a in ()",
            "a in (b",
            "a b",
            "a in",
            "ä",
            "a==b c",
        ):
            refusal = self.assertRaises(ApiRefusal, selector_of, text)
            self.assertEqual(refusal.status, 422, text)

    @given(st.text(alphabet="ab ,=!()\\innot", max_size=30))
    def test_anything(self, text: str) -> None:
        """Any text is a selector or is refused."""
        try:
            found = selector_of(text)
        except ApiRefusal:
            return
        self.assertIn(found.matches({"a": "b"}), (True, False))
