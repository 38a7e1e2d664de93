"""
``mesostw store``: what daemons have to remember, looked at, checked, saved and put back.

An export is lines of JSON: the first says what it is, each other one is a record, its bytes in
base64.  It may hold secrets of tasks, so only its owner may read it.
"""

from __future__ import annotations

import argparse
import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from mesostw import __version__
from mesostw.cli.peer import ClusterError
from mesostw.cli.store_places import ROLES, place_of
from mesostw.cli.tables import note
from mesostw.interfaces import Stored
from mesostw.wire.records import QUARANTINE, Decoding

#: The form of exports that this program writes, and the only one that it reads.
FORM: Final = 1
_PLACE_HELP: Final = "zk://... as the daemon's flag has it, a work directory, or a file in one"


class Header(Struct, frozen=True, kw_only=True):
    """The first line of an export."""

    mesostw_store: int
    role: str
    epoch: int
    records: int
    version: str


class Line(Struct, frozen=True):
    """Any other line."""

    key: str
    value: str


def add(subcommands: Any) -> None:
    """Declare the commands."""
    store = subcommands.add_parser(
        "store", help="what daemons have to remember: dump, verify, export, import"
    )
    commands = store.add_subparsers(title="commands", metavar="COMMAND", required=True)
    dump = commands.add_parser("dump", help="print every record as a line of JSON")
    dump.set_defaults(command=dumped)
    verify = commands.add_parser("verify", help="read every record, and count them")
    verify.set_defaults(command=verified)
    export = commands.add_parser("export", help="save everything in a file")
    export.set_defaults(command=exported)
    import_ = commands.add_parser(
        "import",
        help="put what was saved back, here or elsewhere",
        description="Put what was saved back. Whoever leads is deposed, and begins anew with it.",
    )
    import_.set_defaults(command=imported)
    import_.add_argument("file", help="what export wrote")
    for each in (dump, verify, export, import_):
        each.add_argument("place", help=_PLACE_HELP)
        each.add_argument("--role", choices=sorted(ROLES), default="master", help="whose it is")
    export.add_argument("file", help="where to; it must not be there yet")
    import_.add_argument(
        "--replace", action="store_true", help="also if there is something already"
    )


async def _read(reactor: Any, options: argparse.Namespace) -> Stored:
    stored = await place_of(options.place, options.role, reactor).peek()
    if stored is None:
        raise ClusterError(f"{options.place}: there is nothing of a {options.role}")
    return stored


async def dumped(reactor: Any, options: argparse.Namespace) -> int:
    """Print every record that can be read."""
    stored = await _read(reactor, options)
    decoding = Decoding(dict(sorted(stored.records.items())), ROLES[options.role].records)
    for key, record in decoding:
        # Some are kept as rows; people want the names of what is in them.
        print(msgspec.json.encode({"key": key, "record": asdict(record)}).decode())
    return _told(decoding, stored)


async def verified(reactor: Any, options: argparse.Namespace) -> int:
    """Read every record; the status is 1 if one cannot be read."""
    stored = await _read(reactor, options)
    decoding = Decoding(stored.records, ROLES[options.role].records)
    counts = Counter(key.partition("/")[0] for key, _ in decoding)
    size = sum(len(key) + len(value) for key, value in stored.records.items())
    print(f"epoch {stored.epoch}, {len(stored.records)} records, {size} bytes")
    for kind, count in sorted(counts.items()):
        print(f"{count:8} {kind}")
    return _told(decoding, stored)


def _told(decoding: Decoding, stored: Stored) -> int:
    """Say what could not be read; the status."""
    for key, fault in decoding.unreadable.items():
        note(f"{key} cannot be read: {fault}")
    if decoding.unknown:
        note(f"{len(decoding.unknown)} records of unknown kinds, such as {decoding.unknown[0]}")
    aside = [key for key in stored.records if key.startswith(f"{QUARANTINE}/")]
    if aside:
        note(f"{len(aside)} records were set aside by a daemon, such as {aside[0]}")
    return 1 if decoding.unreadable or aside else 0


async def exported(reactor: Any, options: argparse.Namespace) -> int:
    """Save everything, whole or not at all."""
    stored = await _read(reactor, options)
    header = Header(
        mesostw_store=FORM,
        role=options.role,
        epoch=stored.epoch,
        records=len(stored.records),
        version=__version__,
    )
    lines: list[Struct] = [header]
    lines += [Line(key, b64encode(value).decode()) for key, value in stored.records.items()]
    target = Path(options.file)
    try:
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(made, "wb") as file:
            file.writelines(msgspec.json.encode(line) + b"\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        raise ClusterError(f"{target}: {fault.strerror}") from fault
    print(f"{len(stored.records)} records of epoch {stored.epoch} are in {target}")
    return 0


async def imported(reactor: Any, options: argparse.Namespace) -> int:
    """Put an export back; nothing is changed unless all of it can be read."""
    stored = _exported(Path(options.file), options.role)
    place = place_of(options.place, options.role, reactor)
    known = await place.peek()
    if known is not None and known.records and not options.replace:
        raise ClusterError(
            f"{options.place} has {len(known.records)} records; --replace puts these in their place"
        )
    least = max(stored.epoch, 0 if known is None else known.epoch)
    epoch = await place.put(Stored(least, stored.records))
    print(f"{len(stored.records)} records are there, of epoch {epoch}")
    return 0


def _exported(path: Path, role: str) -> Stored:
    try:
        first, *rest = path.read_bytes().splitlines()
        header = msgspec.json.decode(first, type=Header)
        lines = [msgspec.json.decode(line, type=Line) for line in rest]
        records = {line.key: b64decode(line.value, validate=True) for line in lines}
    except OSError as fault:
        raise ClusterError(f"{path}: {fault.strerror}") from fault
    except (ValueError, NotBase64) as fault:
        raise ClusterError(f"{path} is no export, or was cut off: {fault}") from fault
    if header.mesostw_store != FORM:
        raise ClusterError(f"{path} has form {header.mesostw_store}; this program reads {FORM}")
    if header.role != role:
        raise ClusterError(f"{path} is of a {header.role}: say --role={header.role}")
    if len(records) != header.records:
        raise ClusterError(f"{path} has {len(records)} records of {header.records}: it was cut off")
    return Stored(header.epoch, records)
