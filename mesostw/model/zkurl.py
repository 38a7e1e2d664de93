"""``zk://user:password@host:port,host:port/path``: where an ensemble is, and who we are there."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from mesostw.model.zookeeper import check_path

SCHEME: Final = "zk://"
PORT: Final = 2181
PORT_MAX: Final = 65_535


class ZkUrlRefused(ValueError):
    """A URL makes no sense; the message names field, value and fix, and never a password."""


class Credentials(Struct, frozen=True):
    """A name and a password; only the name is ever shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.user!r}, ***)"


class ZkUrl(Struct, frozen=True):
    """An ensemble's servers, the node that everything is under, and who we are."""

    servers: tuple[tuple[str, int], ...]
    path: str = "/"
    credentials: Credentials | None = None

    @property
    def hosts(self) -> str:
        """The servers as ZooKeeper's clients write them."""
        return ",".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.servers
        )

    def __str__(self) -> str:
        who = f"{self.credentials.user}:***@" if self.credentials else ""
        return f"{SCHEME}{who}{self.hosts}{self.path}"

    def __repr__(self) -> str:
        return f"<{self}>"


def masked(text: str) -> str:
    """Give ``text`` without whatever may be a name and a password."""
    before, at, after = text.rpartition("@")
    if not at:
        return text
    return f"{SCHEME if before.startswith(SCHEME) else ''}***@{after}"


def parse(text: str, field: str = "zk") -> ZkUrl:
    """
    Read a URL.

    :param field: what the URL was given as, for the message.
    :raises ZkUrlRefused: it makes no sense.
    """

    def refused(fault: str) -> ZkUrlRefused:
        return ZkUrlRefused(
            f"{field}: {masked(text)!r} {fault}; "
            "write zk://HOST:PORT,HOST:PORT/PATH or zk://USER:PASSWORD@HOST:PORT/PATH"
        )

    if not text.startswith(SCHEME):
        raise refused("does not begin with zk://")
    authority, slash, rest = text.removeprefix(SCHEME).partition("/")
    who, at, hosts = authority.rpartition("@")
    if not at and "@" in rest:
        raise refused("has an @ after a slash: a slash cannot be part of a name or password")
    user, colon, password = who.partition(":")
    if at and not (user and colon and password):
        raise refused("has an @ but not a name, a colon and a password before it")
    servers = []
    for number, server in enumerate(hosts.split(","), 1):
        address = _address(server.strip())
        if isinstance(address, str):
            raise refused(f"has a server (number {number}) {address}")
        servers.append(address)
    try:
        path = check_path((slash + rest).rstrip("/") or "/")
    except ValueError as fault:
        # What stands before an @ may be a piece of a password.
        why = "" if "@" in rest else f" ({fault})"
        raise refused(f"has a path that no node can have{why}") from None
    return ZkUrl(tuple(servers), path, Credentials(user, password) if at else None)


def _address(server: str) -> tuple[str, int] | str:
    """Host and port, or what is wrong."""
    if server.startswith("["):
        host, bracket, port = server[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return "with a [ but no ]"
        port = port[1:]
    else:
        host, _, port = server.partition(":")
    if not host:
        return "without a host"
    try:
        host.encode("idna")
    except UnicodeError:
        return "whose name no host can have"
    if not port:
        return host, PORT
    digits = port.isascii() and port.isdigit() and len(port) <= len(str(PORT_MAX))
    if not (digits and 0 < int(port) <= PORT_MAX):
        return f"whose port is no number from 1 to {PORT_MAX}"
    return host, int(port)
