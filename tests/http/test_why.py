"""``/api/v1/why`` hands the core's explanation on."""

from __future__ import annotations

from msgspec import Struct
from treq.testing import StubTreq
from twisted.trial.unittest import SynchronousTestCase

from mesostw.http.why import WhyApi


class Told(Struct):
    """An explanation."""

    sentence: str
    facts: tuple[str, ...] = ()
    story: tuple[str, ...] = ()


class WhyTests(SynchronousTestCase):
    """What is known is explained; what is not is 404 in words."""

    def ask(self, path: str) -> tuple[int, object]:
        """The code and the answer to a path."""

        def why(kind: str, name: str) -> Told | None:
            return Told(f"{kind} {name}") if kind == "task" else None

        client = StubTreq(WhyApi(why).app.resource())
        response = self.successResultOf(client.get(f"http://master{path}"))
        if response.code == 200:
            return 200, self.successResultOf(response.json())
        return response.code, self.successResultOf(response.text())

    def test_known(self) -> None:
        """A task's name has its framework's id before it."""
        told = {"sentence": "task f1/t1", "facts": [], "story": []}
        self.assertEqual(self.ask("/task/f1/t1"), (200, told))

    def test_unknown(self) -> None:
        """What is not there says its name."""
        self.assertEqual(self.ask("/agent/a1"), (404, "No agent is called a1.\n"))
