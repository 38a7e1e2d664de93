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
import zipfile
import zlib
from contextlib import suppress
from typing import IO, Final

from mesostw.launching.child import Fault
from mesostw.launching.fetching.files import (
    DIRECTORY_MODE,
    FILE_MODE,
    Budget,
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
    UnicodeError,
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
    if not hasattr(tarfile, "data_filter"):
        raise Fault("SOURCE", "this Python cannot unpack safely; the agent needs 3.11.4 or newer")
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
    except MemoryError:
        raise Fault("TOO_LARGE", "the archive needs too much memory to be unpacked") from None


def _unpack_tar(source: IO[bytes], directory: str, budget: Budget) -> None:
    with tarfile.open(fileobj=source, mode="r:*") as archive:
        for count, member in enumerate(archive):
            _count(count)
            safe = _checked(member, directory)
            budget.take(max(safe.size, 0) if safe.isreg() else 0)
            if safe.isdir():
                _make_directory(directory, safe.name)
                continue
            _make_way(directory, safe.name)
            # Whatever it has to say of owners was taken out by the check.
            archive.extract(safe, directory, filter="fully_trusted")


def _unpack_zip(source: IO[bytes], directory: str, budget: Budget) -> None:
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
        _count(len(members) - 1)
        for entry in members:
            if entry.flag_bits & 0x1:
                raise Fault("SOURCE", f"the archive's member {entry.filename!r} is encrypted")
            safe = _checked(_like_tar(archive, entry), directory)
            if safe.isdir():
                _make_directory(directory, safe.name)
            elif safe.issym():
                _make_way(directory, safe.name)
                os.symlink(safe.linkname, path_in(directory, safe.name))
            else:
                with archive.open(entry) as packed:
                    write(directory, safe.name, packed, budget, safe.mode or FILE_MODE)


def _like_tar(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tarfile.TarInfo:
    """A member of a zip file as one of a tar file, so that one check is for both."""
    mode = entry.external_attr >> 16 if entry.create_system == _UNIX else 0
    member = tarfile.TarInfo(entry.filename)
    member.mode = stat.S_IMODE(mode) or FILE_MODE
    member.size = entry.file_size
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


def _checked(member: tarfile.TarInfo, directory: str) -> tarfile.TarInfo:
    """
    The member without what it may not bring; see Note [Members].

    :raises Fault: if it is not safe at all.
    """
    name = member.name
    for text in (name, member.linkname):
        if len(os.fsencode(text)) > NAME_BYTES_MAX:
            raise Fault("UNSAFE", f"the archive's member {name[:64]!r}... has too long a name")
    if name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise Fault("UNSAFE", f"the archive's member {name!r} leads out of the sandbox")
    try:
        safe = tarfile.data_filter(member, directory)
    except tarfile.FilterError as fault:
        kind = str(fault).removesuffix(".")
        raise Fault("UNSAFE", f"the archive's member is not safe: {kind}") from None
    if safe.islnk() and ".." in safe.linkname.split("/"):
        raise Fault("UNSAFE", f"the archive's member {name!r} links out of the sandbox")
    if os.path.normpath(name) != ".":
        path_in(directory, os.path.normpath(name))
    return safe


def _make_directory(directory: str, name: str) -> None:
    """Directories are made with our mode: one that cannot be entered would stop us in it."""
    path = os.path.join(directory, os.path.normpath(name))
    os.makedirs(path, DIRECTORY_MODE, exist_ok=True)


def _make_way(directory: str, name: str) -> None:
    """Remove what a member replaces, as ``tar`` does; a directory must be empty for that."""
    path = path_in(directory, os.path.normpath(name))
    if os.path.isdir(path) and not os.path.islink(path):
        os.rmdir(path)
        return
    with suppress(FileNotFoundError):
        os.unlink(path)
