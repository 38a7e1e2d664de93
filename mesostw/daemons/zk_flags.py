"""Flags of daemons of which there may be several, and what they mean together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from mesostw.daemons.framework_flags import credentials
from mesostw.daemons.options import Flag, FlagOptions, duration, file_text
from mesostw.daemons.seat import Bench
from mesostw.model.zkurl import SCHEME, Credentials, ZkUrl, masked, parse
from mesostw.model.zookeeper import check_path
from mesostw.zookeeper.election import MEMBER
from mesostw.zookeeper.group import Place

#: Shorter ones end with every pause of a busy machine.
SESSION_TIMEOUT_MIN_S: Final = 1.0


def zk_url(text: str) -> ZkUrl:
    """``zk://...``, or the path of a file that has it: there may be a password in it."""
    return parse(file_text(text).strip())


def session_timeout(text: str) -> float:
    """A duration of at least a second."""
    seconds = duration(text)
    if seconds < SESSION_TIMEOUT_MIN_S:
        raise ValueError("at least 1secs, or every pause would end a session")
    return seconds


def session_milliseconds(text: str) -> float:
    """Seconds from a whole number of milliseconds, of at least a second."""
    if not text.isdigit() or int(text) < SESSION_TIMEOUT_MIN_S * 1000:
        raise ValueError("give a whole number of milliseconds from 1000")
    return int(text) / 1000


def zk_hosts(text: str) -> ZkUrl:
    """Servers, with commas between them, and nothing else."""
    if "/" in text or "@" in text:
        raise ValueError("give HOST:PORT,HOST:PORT; --zk_path and --zk_auth have the rest")
    return parse(f"{SCHEME}{text}", "zk_hosts")


def zk_auth(text: str) -> Credentials:
    """``user:password``, or the path of a file that has it."""
    user, _, password = credentials(text).partition(":")
    return Credentials(user, password)


def master_address(text: str) -> str:
    """``host:port``, ``zk://``, or the path of a file that has one of them."""
    found = file_text(text).strip()
    if found.startswith(SCHEME):
        parse(found, "master")
        return found
    host, colon, number = found.rpartition(":")
    if "://" in found or not (host and colon and number.isdigit() and int(number) < 65_536):
        raise ValueError("give HOST:PORT, or zk://HOST:PORT,HOST:PORT/PATH")
    return found


ZK_FLAG: Final = Flag(
    "zk",
    "zk://[USER:PASSWORD@]HOST:PORT,HOST:PORT/PATH of the ZooKeeper that elects one of several "
    "and keeps what it has to remember, or the path of a file that says so. Without it there "
    "is one alone, which keeps that in its work_dir.",
    None,
    zk_url,
    masked=masked,
)
_TIMEOUT_DOC: Final = "How long ZooKeeper waits for a leader before another leads; at least "
#: A master's.
ZK_FLAGS: Final = (
    ZK_FLAG,
    Flag("zk_session_timeout", f"{_TIMEOUT_DOC}1secs.", "10secs", session_timeout),
)
#: Marathon's.
ZK_FLAGS_MS: Final = (
    ZK_FLAG,
    Flag("zk_session_timeout", f"{_TIMEOUT_DOC}1000 (ms).", "10000", session_milliseconds),
)
#: Chronos', which says the same in other words.
ZK_PARTS: Final = (
    Flag("zk_hosts", "HOST:PORT,HOST:PORT of the ZooKeeper that elects one of several Chronos and "
         "keeps what it has to remember. Without it there is one alone.", None, zk_hosts,
         masked=masked),
    Flag("zk_path", "The node below which Chronos keeps everything.", "/chronos/state", check_path),
    Flag("zk_timeout", f"{_TIMEOUT_DOC}1000 (ms).", "10000", session_milliseconds),
    Flag("zk_auth", "USER:PASSWORD for ZooKeeper, or the path of a file that has it.", None,
         zk_auth, secret=True),
)  # fmt: skip


MASTER_FLAG: Final = Flag(
    "master",
    "The master's HOST:PORT; of several zk://[USER:PASSWORD@]HOST:PORT,HOST:PORT/PATH, where they "
    "are found; or the path of a file that says so.",
    read=master_address,
    required=True,
    masked=masked,
)


def bench_of(
    options: FlagOptions, place: Place, root: str, address_of: Callable[[bytes], str]
) -> Bench | None:
    """Where one of several sits; ``None`` for one alone."""
    url = options["zk"]
    if url is None:
        return None
    return Bench(url, options["zk_session_timeout"], place, root, address_of)


def framework_bench(options: FlagOptions, directory: str) -> Bench | None:
    """
    Where one of several frameworks' daemons sits, if it is not alone.

    :param directory: where candidates are, seen from what the store's is seen from.
    """
    place = Place(directory, MEMBER)
    if "zk" in options:
        return bench_of(options, place, "/store", bytes.decode)
    hosts: ZkUrl | None = options["zk_hosts"]
    if hosts is None:
        return None
    url = replace(hosts, path=options["zk_path"], credentials=options["zk_auth"])
    return Bench(url, options["zk_timeout"], place, "/store", bytes.decode)
