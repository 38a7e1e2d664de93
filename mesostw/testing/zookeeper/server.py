"""
Debian's ZooKeeper server: one process, its own directory and port, gone when stopped.

No system service is touched; ``script/bootstrap`` installs the package.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

#: The jars of Debian's package; the first names the others.
JARS: Final = ("/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-simple.jar")
#: Seconds that a server may take until it serves; half a second is usual.
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 10.0
#: Between two looks whether it serves yet.
LOOK_S: Final = 0.02
#: Less than this and the server dies of the requests of large values that it keeps.
HEAP: Final = "-Xmx512m"

_OPTIONS: Final = (
    HEAP,
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dzookeeper.jmx.log4j.disable=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dzookeeper.admin.enableServer=false",
    # A digest's hash is of bytes, whatever the machine's language.
    "-Dfile.encoding=UTF-8",
)


def is_installed() -> bool:
    """Whether this machine can run a server."""
    return shutil.which("java") is not None and all(os.path.exists(jar) for jar in JARS)


class ZooKeeperServer:
    """
    A server on 127.0.0.1 that serves once made.

    :param tick_ms: its unit of time: sessions get from 2 to 20 of them.
    :param peers: the ports of an ensemble's servers to speak and to vote, ours among them
        at ``number`` (from 1); such a server is only launched, and serves with the others.
    :raises AssertionError: it does not come up; its log is in the message.
    """

    def __init__(
        self, tick_ms: int = 200, peers: Sequence[tuple[int, int]] = (), number: int = 0
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="mesostw-zookeeper-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        config = {
            "tickTime": tick_ms,
            "initLimit": 10,
            "syncLimit": 5,
            "dataDir": self.directory / "data",
            "clientPort": self.port,
            "clientPortAddress": "127.0.0.1",
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "*",
            "maxClientCnxns": 0,
            "preAllocSize": 4096,
        }
        for other, (speak, vote) in enumerate(peers, 1):
            config[f"server.{other}"] = f"127.0.0.1:{speak}:{vote}"
        text = "".join(f"{name}={value}\n" for name, value in config.items())
        (self.directory / "zoo.cfg").write_text(text)
        (self.directory / "data").mkdir()
        (self.directory / "data" / "myid").write_text(f"{number}\n")
        try:
            self.launch()
            if not peers:
                self.await_serving()
        except BaseException:
            self.remove()
            raise

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it again after :meth:`kill`, with what it had kept."""
        self.launch()
        self.await_serving()

    def launch(self) -> None:
        """Start the process."""
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen(
                [
                    *_with_us(),
                    "java",
                    *_OPTIONS,
                    "-cp",
                    ":".join(JARS),
                    "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                    str(self.directory / "zoo.cfg"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )

    def await_serving(self) -> None:
        """Wait until it serves."""
        assert self._process is not None
        end = time.monotonic() + START_TIMEOUT_S
        while not self.mode():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LOOK_S)
            if self._process.returncode is not None or time.monotonic() > end:
                raise AssertionError((self.directory / "log").read_text())

    def mode(self) -> str:
        """``standalone``, ``leader`` or ``follower``; empty if it does not serve."""
        for line in self.ask("srvr").splitlines():
            if line.startswith("Mode: "):
                return line.removeprefix("Mode: ")
        return ""

    def ask(self, word: str) -> str:
        """What the server says to a four-letter word; nothing if it does not serve."""
        said = b""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 1.0) as link,
        ):
            link.sendall(word.encode())
            while more := link.recv(65536):
                said += more
        return said.decode()

    def signal(self, number: int) -> None:
        """Send the process a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as a crash would; what it had confirmed is on its disk."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
            self._process = None

    def remove(self) -> None:
        """End it and remove its directory."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class ZooKeeperServers:
    """An ensemble of servers that serves once made, with a leader."""

    def __init__(self, count: int = 3, tick_ms: int = 200) -> None:
        peers = [(free_port(), free_port()) for _ in range(count)]
        self.servers: list[ZooKeeperServer] = []
        try:
            for number in range(1, count + 1):
                self.servers.append(ZooKeeperServer(tick_ms, peers, number))
            for one in self.servers:
                one.await_serving()
        except BaseException:
            self.remove()
            raise

    def leader(self) -> ZooKeeperServer:
        """Who leads now."""
        return next(one for one in self.servers if one.mode() == "leader")

    def remove(self) -> None:
        """End them all and remove their directories."""
        for one in self.servers:
            one.remove()


def _with_us() -> Sequence[str]:
    """What to start a program with so that it ends with this process, however that ends."""
    return ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()


def free_port() -> int:
    """A port that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def shared(stop_later: Callable[[Callable[[], None]], object]) -> ZooKeeperServer:
    """One server for all who ask in this process; ``stop_later`` is told how it ends."""
    global _shared  # noqa: PLW0603
    if _shared is None:
        _shared = ZooKeeperServer()
        stop_later(_shared.remove)
    return _shared


_shared: ZooKeeperServer | None = None
