"""Whoever looks again and again, beside everything else that goes on."""

from __future__ import annotations

import threading
from typing import Final

LOOK_S: Final = 0.25
#: How long one may take to answer.
PATIENCE_S: Final = 1.0


class Looking:
    """Looks until it is closed; what it sees is made by overriding :meth:`look_again`."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join(10 * PATIENCE_S)

    def look_again(self) -> None:
        """Look once, and remember it."""
        raise NotImplementedError

    def _run(self) -> None:
        while not self._closed.wait(LOOK_S):
            self.look_again()
