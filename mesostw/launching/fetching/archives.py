"""
Archives, unpacked so that nothing of them lands outside of the sandbox.

Note [Members]: a member with an absolute name or with ``..`` in it is refused, and so is a
link that leads out, a member that would be written through such a link, and every device,
pipe and socket.  Bits that give a program its owner's rights are dropped, as ``tar`` drops
them for everybody but root.  Owners are never taken over.  The process has the rights of the
task besides: what these rules should miss, the task could have done itself.
"""

from __future__ import annotations

import gzip
import lzma
import os
import stat
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import IO, Final

from mesostw.launching.child import Fault
from mesostw.launching.fetching.files import (
    DIRECTORY_MODE,
    FILE_MODE,
    Budget,
    is_inside,
    path_in,
    write,
)

#: In a zip file: who made a member says its mode as Unix does.
_UNIX: Final = 3
_TAR: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
#: Members of one archive: each costs memory until all are unpacked.
MEMBERS_MAX: Final = 200_000
#: The longest name of a member or target of a link, in bytes.
NAME_BYTES_MAX: Final = 1_024
#: What the readers say of archives that are none, or are cut off.
_BROKEN: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    EOFError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    ValueError,
)


def kind_of(name: str) -> str:
    """``tar``, ``zip`` or ``gz`` by the end of a file's name; empty for no archive."""
    if name.endswith(_TAR):
        return "tar"
    return next((kind for kind in ("zip", "gz") if name.endswith(f".{kind}")), "")


def unpack(source: IO[bytes], name: str, directory: str, budget: Budget) -> None:
    """
    Unpack an archive into ``directory``; what kind it is, its ``name`` says.

    :raises Fault: for a broken or unsafe archive, or one that is too large.
    """
    try:
        match kind_of(name):
            case "tar":
                _unpack_tar(source, directory, budget)
            case "zip":
                _unpack_zip(source, directory, budget)
            case "gz":
                plain = os.path.basename(name).removesuffix(".gz") or "gz"
                with gzip.GzipFile(fileobj=source) as packed:
                    write(directory, plain, packed, budget)
            case _:
                raise Fault("SOURCE", f"{name!r} is no archive")
    except _BROKEN as fault:
        raise Fault("SOURCE", f"the archive is broken: {fault}") from None
    except OSError as fault:
        # What the reader of bzip2 raises has no number; what the system says has.
        if fault.errno is not None:
            raise
        raise Fault("SOURCE", f"the archive is broken: {fault}") from None
    except MemoryError:
        raise Fault("TOO_LARGE", "the archive needs too much memory to be unpacked") from None


def _unpack_tar(source: IO[bytes], directory: str, budget: Budget) -> None:
    with tarfile.open(fileobj=source, mode="r:*") as archive:
        for count, member in enumerate(archive):
            _count(count)
            _place(member, partial(archive.extractfile, member), directory, budget)


def _unpack_zip(source: IO[bytes], directory: str, budget: Budget) -> None:
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
        _count(len(members) - 1)
        for entry in members:
            if entry.flag_bits & 0x1:
                raise Fault("SOURCE", f"the archive's member {entry.filename!r} is encrypted")
            _place(_like_tar(archive, entry), partial(archive.open, entry), directory, budget)


def _place(
    member: tarfile.TarInfo,
    content: Callable[[], IO[bytes] | None],
    directory: str,
    budget: Budget,
) -> None:
    """
    Make one member in the sandbox; Python's own rules for this are missing before 3.11.4.

    :raises Fault: if it is not safe, or its file would be too large.
    """
    _check(member)
    budget.take_names(1)
    name = os.path.normpath(member.name)
    if member.isdir():
        _make_directory(directory, name, budget)
        return
    path = path_in(directory, name, budget)
    if member.issym():
        _target_of(member, directory, path)
        _make_way(path)
        os.symlink(member.linkname, path)
    elif member.islnk():
        _make_hard_link(member, _target_of(member, directory, path), path)
    elif packed := content():
        _make_way(path)
        with packed:
            write(directory, name, packed, budget, _mode_of(member))
        with suppress(OverflowError, OSError, ValueError):
            os.utime(path, (member.mtime, member.mtime))


def _like_tar(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tarfile.TarInfo:
    """A member of a zip file as one of a tar file, so that one check is for both."""
    mode = entry.external_attr >> 16 if entry.create_system == _UNIX else 0
    member = tarfile.TarInfo(entry.filename)
    member.mode = stat.S_IMODE(mode) or FILE_MODE
    member.mtime = time.mktime((*entry.date_time, 0, 0, -1))
    kind = stat.S_IFMT(mode)
    if entry.is_dir():
        member.type = tarfile.DIRTYPE
    elif kind == stat.S_IFLNK:
        member.type = tarfile.SYMTYPE
        with archive.open(entry) as packed:
            member.linkname = os.fsdecode(packed.read(NAME_BYTES_MAX + 1))
    elif kind not in (0, stat.S_IFREG):
        member.type = tarfile.CHRTYPE
    return member


def _count(count: int) -> None:
    if count >= MEMBERS_MAX:
        raise Fault("TOO_LARGE", f"the archive has more than {MEMBERS_MAX} members")


def _check(member: tarfile.TarInfo) -> None:
    """
    Refuse a member that may not be in a sandbox, by Note [Members].

    :raises Fault: if it is not safe.
    """
    name = member.name
    for text in (name, member.linkname):
        if len(os.fsencode(text)) > NAME_BYTES_MAX:
            raise Fault("UNSAFE", f"the archive's member {name[:64]!r}... has too long a name")
        if "\0" in text:
            raise Fault("UNSAFE", f"the archive's member {name!r} is not safe: there is a NUL")
    if member.size < 0:
        raise Fault("SOURCE", f"the archive is broken: {name!r} has {member.size} bytes")
    if name.startswith("/") or ".." in name.split("/"):
        raise Fault("UNSAFE", f"the archive's member {name!r} leads out of the sandbox")
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        kind = "a device, a pipe or of a kind that is not known"
        raise Fault("UNSAFE", f"the archive's member {name!r} is not safe: it is {kind}")


def _target_of(member: tarfile.TarInfo, directory: str, path: str) -> str:
    """
    What a link at ``path`` leads to: from where it is, or for a hard link from the top.

    What a later member puts in the way of a link must not change where it leads to.  So the
    steps up of a symbolic link come first in it, where they are taken from a real directory.

    :raises Fault: if that is out of ``directory``.
    """
    top, link = os.path.realpath(directory), member.linkname
    start = os.path.dirname(path) if member.issym() else top
    steps = [step for step in link.split("/") if step not in ("", os.curdir)]
    ups = next((at for at, step in enumerate(steps) if step != os.pardir), len(steps))
    depth = 0 if start == top else os.path.relpath(start, top).count("/") + 1
    target = os.path.realpath(os.path.join(start, link))
    is_safe = ups <= depth and os.pardir not in steps[ups:] and not link.startswith("/")
    if is_safe and (member.issym() or is_inside(top, target)):
        return target
    out = f"it links to {link!r}, which may lead out of the sandbox"
    raise Fault("UNSAFE", f"the archive's member {member.name!r} is not safe: {out}")


def _mode_of(member: tarfile.TarInfo) -> int:
    """A file's mode: its owner may read and write it, others may not write it."""
    kept = 0o755 if member.mode & stat.S_IXUSR else 0o644
    return member.mode & kept | stat.S_IRUSR | stat.S_IWUSR


def _make_directory(directory: str, name: str, budget: Budget) -> None:
    """Directories are made with our mode: one that cannot be entered would stop us in it."""
    if name != os.curdir:
        os.makedirs(path_in(directory, name, budget), DIRECTORY_MODE, exist_ok=True)


def _make_hard_link(member: tarfile.TarInfo, target: str, path: str) -> None:
    if target == path:
        return
    if not os.path.isfile(target):
        missing = f"{member.name!r} links to {member.linkname!r}, which is no file in it"
        raise Fault("SOURCE", f"the archive is broken: {missing}")
    _make_way(path)
    os.link(target, path)


def _make_way(path: str) -> None:
    """Remove what a member replaces, as ``tar`` does; a directory must be empty for that."""
    if os.path.isdir(path) and not os.path.islink(path):
        os.rmdir(path)
        return
    with suppress(FileNotFoundError):
        os.unlink(path)
