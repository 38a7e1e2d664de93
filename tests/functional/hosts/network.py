"""
Hosts that are network namespaces, joined by a bridge in a namespace of its own.

::

    mesostw-PID-sw   the bridge, 10.77.0.254: who tests is here, and is never cut off
    mesostw-PID-n1   eth0, 10.77.0.11, and so on

Nothing is changed in the namespace that the program came from: not a link, not a rule.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.functional.hosts.walls import Walls

NAMED: Final = Path("/run/netns")
PREFIX: Final = "mesostw"
NETWORK: Final = "10.77.0"
TESTER: Final = f"{NETWORK}.254"
FIRST: Final = 11
CLONE_NEWNET: Final = 0x40000000
#: What is asked of the machine, by the Debian packages that bring it.
TOOLS: Final = {"ip": "iproute2", "nft": "nftables", "nsenter": "util-linux", "java": "zookeeper"}

_libc = ctypes.CDLL(None, use_errno=True)


def impediment() -> str:
    """Why there can be no hosts here; empty if there can."""
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    return f"needs these Debian packages: {' '.join(missing)}" if missing else ""


class Network:
    """
    Hosts by name, each with its address.

    :raises FileExistsError: there are namespaces of these names already.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        self._prefix = f"{PREFIX}-{os.getpid()}"
        self.addresses = {host: f"{NETWORK}.{FIRST + n}" for n, host in enumerate(hosts)}
        self._home: int | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """Their names, in the order of their numbers."""
        return tuple(self.addresses)

    def _name(self, host: str) -> str:
        return f"{self._prefix}-{host}"

    def create(self) -> None:
        """Make all of it; what was made is gone again if something of it could not be."""
        _sweep()
        taken = [host for host in ("sw", *self.addresses) if self._path(host).exists()]
        if taken:
            raise FileExistsError(f"there are already {', '.join(map(self._name, taken))}")
        try:
            self._switch()
            for host, address in self.addresses.items():
                self._host(host, address)
        except BaseException:
            self.remove()
            raise

    def _path(self, host: str) -> Path:
        return NAMED / self._name(host)

    def _switch(self) -> None:
        _run("ip", "netns", "add", self._name("sw"))
        self.ip("sw", "link", "add", "br0", "type", "bridge")
        self.ip("sw", "address", "add", f"{TESTER}/24", "dev", "br0")
        for link in ("lo", "br0"):
            self.ip("sw", "link", "set", link, "up")

    def _host(self, host: str, address: str) -> None:
        _run("ip", "netns", "add", self._name(host))
        peer = ("type", "veth", "peer", "name", host, "netns", self._name("sw"))
        self.ip(host, "link", "add", "eth0", *peer)
        self.ip("sw", "link", "set", host, "master", "br0", "up")
        self.ip(host, "address", "add", f"{address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            self.ip(host, "link", "set", link, "up")

    def ip(self, host: str, *words: str) -> None:
        """``ip``, of a host."""
        _run("ip", "-n", self._name(host), *words)

    def inside(self, host: str, command: Iterable[str]) -> tuple[str, ...]:
        """The command line of something that is to run on a host, in a process of its own."""
        return ("nsenter", f"--net={self._path(host)}", "--", *command)

    # --- where we are ---------------------------------------------------------------------

    def enter(self) -> None:
        """Have this thread, and those that it starts, be at the switch."""
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(self._path("sw"), os.O_RDONLY | os.O_CLOEXEC)
        try:
            _set_namespace(there)
        finally:
            os.close(there)

    def leave(self) -> None:
        """Have this thread be where it came from."""
        if self._home is not None:
            _set_namespace(self._home)
            os.close(self._home)
            self._home = None

    # --- walls ----------------------------------------------------------------------------

    def wall(self, walls: Walls) -> None:
        """Have nothing pass but what these let pass."""
        for host in self.addresses:
            rules = walls.script(host)
            if rules:
                _run(*self.inside(host, ("nft", "-f", "-")), said=rules)

    def clear(self) -> None:
        """No walls, all links up."""
        for host in self.addresses:
            _run(*self.inside(host, ("nft", "flush", "ruleset")))
            self.ip(host, "link", "set", "eth0", "up")

    # --- who is there, and the end --------------------------------------------------------

    def processes(self, host: str) -> list[int]:
        """Everything that runs on a host."""
        found, there = [], self._path(host).stat().st_ino
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if (entry / "ns" / "net").stat().st_ino == there:
                        found.append(int(entry.name))
        return found

    def remove(self) -> None:
        """Leave nothing of it."""
        self.leave()
        for host in (*self.addresses, "sw"):
            if self._path(host).exists():
                _run("ip", "netns", "delete", self._name(host))


def _sweep() -> None:
    """Remove what those have left who were killed outright: nobody is there to use it."""
    for entry in NAMED.glob(f"{PREFIX}-*-*"):
        number = entry.name.split("-")[1]
        if number.isdigit() and not Path(f"/proc/{number}").exists():
            _run("ip", "netns", "delete", entry.name)


def _run(*words: str, said: str = "") -> None:
    done = subprocess.run(words, input=said, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}\n{said}")


def _set_namespace(descriptor: int) -> None:
    # ``os.setns`` is there from Python 3.12 on.
    setns: Callable[[int, int], int] = _libc.setns
    if setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "the network namespace cannot be entered")
