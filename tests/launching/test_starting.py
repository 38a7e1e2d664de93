"""The agent's part in a supervisor's life, without a supervisor."""

from __future__ import annotations

import os
import sys

from twisted.trial.unittest import SynchronousTestCase

from mesostw.launching.starting import Home, SupervisorUnavailable, start_supervisor


class StartingTests(SynchronousTestCase):
    """What can be said before any process is started."""

    def setUp(self) -> None:
        self.home = Home(self.mktemp())
        self.addCleanup(self.home.close)

    def test_closed_to_others(self) -> None:
        """Nobody else may enter the directory, and so nobody else reaches the socket."""
        self.assertEqual(os.stat(self.home.directory).st_mode & 0o777, 0o700)

    def test_short_socket_path(self) -> None:
        """The socket's path is short, however deep the directory is."""
        deep = Home(os.path.join(self.mktemp(), *["d" * 200] * 3))
        self.addCleanup(deep.close)
        self.assertLess(len(deep.socket), 107)

    def test_no_last_words(self) -> None:
        """A supervisor that never wrote has no last words."""
        self.assertEqual(self.home.last_words(), "")

    def test_without_prctl(self) -> None:
        """Without python-prctl the error names it and says how it is installed."""
        before = {name: sys.modules.get(name) for name in ("prctl", "_prctl")}
        self.addCleanup(self.give_back, before)
        for name in before:
            sys.modules[name] = None  # type: ignore[assignment] - Python's mark of what is not there
        error = self.assertRaises(SupervisorUnavailable, start_supervisor, self.home)
        for words in ("python-prctl", "pip install 'mesostw[agent]'", "libcap-dev"):
            self.assertIn(words, str(error))

    def give_back(self, before: dict[str, object]) -> None:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module  # type: ignore[assignment]
