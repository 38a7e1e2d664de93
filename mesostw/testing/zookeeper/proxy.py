"""A TCP proxy that can be cut, silenced and closed to newcomers: one link's weather."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import Final

#: How often its thread looks whether it is to end.
LOOK_S: Final = 0.05


class Proxy:
    """
    Carries connections to ``target`` until it is closed.

    ``silent`` carries nothing more though everything stays open, as when packets are
    dropped; ``answers_lost`` drops only what the server says; ``refuses`` takes no new
    connections.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.silent = False
        self.answers_lost = False
        self.refuses = False
        self._pairs: dict[socket.socket, socket.socket] = {}
        #: The ends that lead to the server.
        self._to_server: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """End all connections."""
        with self._lock:
            for end in list(self._pairs):
                self._drop(end)

    def close(self) -> None:
        """End, and wait for the thread."""
        self._closed.set()
        self._thread.join()
        self.cut()
        self._listening.close()

    def _drop(self, end: socket.socket) -> None:
        other = self._pairs.pop(end, None)
        if other is not None:
            self._pairs.pop(other, None)
            self._to_server -= {end, other}
            end.close()
            other.close()

    def _run(self) -> None:
        while not self._closed.is_set():
            with self._lock:
                ends = [] if self.silent else list(self._pairs)
            try:
                ready, _, _ = select.select([self._listening, *ends], [], [], LOOK_S)
            except (OSError, ValueError):
                # Somebody cut while we waited.
                continue
            for end in ready:
                if end is self._listening:
                    self._accept()
                else:
                    with self._lock:
                        self._carry(end)

    def _accept(self) -> None:
        client, _ = self._listening.accept()
        if self.refuses:
            client.close()
            return
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        with self._lock:
            self._pairs[client], self._pairs[server] = server, client
            self._to_server.add(server)

    def _carry(self, end: socket.socket) -> None:
        other = self._pairs.get(end)
        # It may have become silent while we waited.
        if other is None or self.silent:
            return
        content = b""
        with contextlib.suppress(OSError):
            content = end.recv(65536)
        if content and end in self._to_server and self.answers_lost:
            return
        try:
            if not content:
                raise OSError("the end")
            other.sendall(content)
        except OSError:
            self._drop(end)
