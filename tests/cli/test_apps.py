"""What ``mesostw app`` makes of what Marathon says, without a Marathon."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.cli.app_changes import _set
from mesostw.cli.app_events import Lines
from mesostw.cli.apps import health_of, status_of
from mesostw.cli.deployments import lack_of, waited
from mesostw.cli.documents import read_document
from mesostw.cli.main import parser
from mesostw.cli.marathon import MarathonApi, app_path, terms_of
from mesostw.cli.peer import ClusterError


def app(**fields: object) -> dict[str, Any]:
    """An app as Marathon lists it."""
    return {"instances": 2, "tasksRunning": 2, "tasksHealthy": 1, "deployments": [], **fields}


class StatusTests(SynchronousTestCase):
    """One word says how an app is, the queue first."""

    def test_words(self) -> None:
        """Each status has its condition."""
        back_off = {"delay": {"overdue": False, "timeLeftSeconds": 9}}
        waiting = {"delay": {"overdue": True, "timeLeftSeconds": 0}}
        for word, one, queued in (
            ("delayed 9s", app(), back_off),
            ("waiting", app(), waiting),
            ("deploying", app(deployments=[{"id": "d"}]), None),
            ("suspended", app(instances=0, tasksRunning=0), None),
            ("running", app(), None),
            ("-", app(tasksRunning=0), None),
        ):
            self.assertEqual(status_of(one, queued), word)

    def test_health(self) -> None:
        """Without checks nothing is said of health."""
        self.assertEqual(health_of(app()), "-")
        self.assertEqual(health_of(app(healthChecks=[{}])), "1/2")


class VerdictTests(SynchronousTestCase):
    """A change that is over is not always done."""

    def test_done(self) -> None:
        """All of the version that was wished, or of an older one that was not changed, run."""
        self.assertEqual(lack_of(app(version="2026-02"), "2026-02"), "")
        self.assertEqual(lack_of(app(version="2026-01"), "2026-02"), "")

    def test_taken_back(self) -> None:
        """A later version is no success, though all of it runs."""
        lack = lack_of(app(version="2026-03"), "2026-02")
        self.assertIn("later version 2026-03: the change was taken back", lack)
        self.assertIn("is not there: the change was taken back", lack_of(None, "2026-02"))

    def test_missing(self) -> None:
        """Fewer than wished are no success."""
        lack = lack_of(app(version="2026-02", tasksRunning=1), "2026-02")
        self.assertEqual(lack, "has 1 of 2 instances")


class Idle(MarathonApi):
    """A Marathon where nothing is under way."""

    def __init__(self) -> None:
        super().__init__(None, parser().parse_args(["app", "list"]))

    async def get(self, resource: str, /, **parameters: str | int) -> Any:
        """No deployments."""
        assert resource == "/v2/deployments", resource
        return []


class WaitTests(SynchronousTestCase):
    """Only what is under way can be waited for."""

    def test_nothing_under_way(self) -> None:
        """A deployment that nobody knows is an error and no success."""
        waiting = Deferred.fromCoroutine(waited(None, Idle(), "nope"))
        fault = self.failureResultOf(waiting, ClusterError)
        self.assertIn("no deployment nope is under way", fault.getErrorMessage())


class WordsTests(SynchronousTestCase):
    """What is typed becomes what the API wants."""

    def test_paths(self) -> None:
        """An id is the same with and without its first slash."""
        self.assertEqual(app_path("/shop/web"), app_path("shop/web"))
        self.assertEqual(app_path("/a", "versions"), "/v2/apps/a/versions")

    def test_values(self) -> None:
        """Numbers are numbers, but a command that looks like one is a text."""
        api = MarathonApi(None, parser().parse_args(["app", "list"]))
        for name, text, value in (
            ("cpus", "0.5", 0.5),
            ("cmd", "5", "5"),
            ("constraints", '[["hostname","UNIQUE"]]', [["hostname", "UNIQUE"]]),
            ("id", "plain", "plain"),
        ):
            document: dict[str, Any] = {}
            taken = Deferred.fromCoroutine(_set(api, "/a", document, name, text))
            self.successResultOf(taken)
            self.assertEqual(document, {name: value})

    def test_terms(self) -> None:
        """Force and deadline go into the query."""
        options = parser().parse_args(["app", "scale", "/a", "3", "--force", "--deadline", "60"])
        self.assertEqual(terms_of(options), {"force": "true", "deadlineSeconds": "60"})

    def test_documents(self) -> None:
        """A file that is no JSON, or is not there, is named in the error."""
        directory = Path(tempfile.mkdtemp())
        (directory / "bad.json").write_text("{nope")
        for name, said in (("bad.json", "no JSON"), ("none.json", "No such file")):
            fault = self.assertRaises(ClusterError, read_document, str(directory / name))
            self.assertIn(name, str(fault))
            self.assertIn(said, str(fault))

    def test_addresses(self) -> None:
        """What is no address is said to be none, before anybody is asked."""
        for text in ("", "somewhere", "host:", ":80", "host:port", "host:99999"):
            options = parser().parse_args(["app", "list", "--marathon", text])
            fault = self.assertRaises(ClusterError, MarathonApi, None, options)
            self.assertIn("HOST:PORT", str(fault))

    def test_errors(self) -> None:
        """Each place of a document that is wrong has a line."""
        api = MarathonApi(None, parser().parse_args(["app", "list"]))
        body = {
            "message": "Object is not valid",
            "details": [{"path": "/cpus", "errors": ["error.min", "too little"]}],
        }
        text = "Object is not valid\n  /cpus: error.min, too little"
        self.assertEqual(api._error_text(body), text)
        self.assertEqual(api._error_text([]), "")


class LinesTests(SynchronousTestCase):
    """An event stream comes in pieces that end anywhere."""

    def test_pieces(self) -> None:
        """Events are shown once they are whole; heartbeats are nothing."""
        shown: list[tuple[str, object]] = []
        lines = Lines(lambda kind, event: shown.append((kind, event)))
        stream = b'event: a\r\ndata: {"n":1}\r\n\r\n\r\nevent: b\r\ndata: {"n":2}\r\n\r\n'
        for at in range(len(stream)):
            lines.take(stream[at : at + 1])
        self.assertEqual(shown, [("a", {"n": 1}), ("b", {"n": 2})])
