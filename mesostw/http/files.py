"""
``/files``: what an agent lets be read of its disk, and nothing beside it.

Note [Virtual paths]: readers name places by what runs there
(``/frameworks/F/executors/E/runs/latest/stdout``) or by the real path of a sandbox.
Both are made real, links and dots resolved, and are served only if they are then still
inside a place that is shown: no link that a task lays in its sandbox leads out of it.
"""

from __future__ import annotations

import grp
import mimetypes
import os
import pwd
import stat
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from klein import Klein

from mesostw.http.errors import HttpRefusal
from mesostw.http.rendering import Query, Reply, as_json, json_reply

#: Bytes of one answer to ``/files/read``: 16 pages, as in Mesos.
READ_BYTES_MAX: Final = 16 * 4096
#: Entries of one answer to ``/files/browse``.
BROWSE_ENTRIES_MAX: Final = 10_000
#: A file over this cannot be downloaded whole; read it in parts. In bytes.
DOWNLOAD_BYTES_MAX: Final = 256 * 1024 * 1024

#: A virtual path to the real one that it stands for now.
Roots = Callable[[], Mapping[str, str]]


class Places:
    """
    What may be seen.

    :param roots: virtual directories and files to real ones, read anew at each request.
    """

    def __init__(self, roots: Roots) -> None:
        self._roots = roots

    def shown(self) -> Mapping[str, str]:
        """Every virtual path and the real one behind it."""
        return self._roots()

    def real(self, path: str) -> str:
        """
        The real path of what a client calls ``path``.

        :raises HttpRefusal: nothing that may be seen is there.
        """
        if "\0" in path:
            raise HttpRefusal.bad_request("A path has no NUL in it.\n")
        for root, rest in self._candidates(os.path.normpath("/" + path.lstrip("/")), path):
            base = os.path.realpath(root)
            found = os.path.realpath(os.path.join(base, rest) if rest else base)
            if (found == base or found.startswith(base + os.sep)) and os.path.lexists(found):
                return found
        raise HttpRefusal.not_found()

    def _candidates(self, normal: str, path: str) -> Iterable[tuple[str, str]]:
        # What climbs above its root by dots is refused even if it would come back.
        if ".." in path.split("/"):
            return
        for virtual, real in self._roots().items():
            for start in (virtual, real):
                clean = os.path.normpath("/" + start.lstrip("/"))
                if normal == clean:
                    yield real, ""
                elif normal.startswith(clean + "/"):
                    yield real, normal[len(clean) + 1 :]


def read_part(path: str, offset: int, length: int) -> dict[str, object]:
    """A part of a file as text; ``offset`` -1 tells its size."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if offset == -1:
            return {"offset": size, "data": ""}
        wanted = READ_BYTES_MAX if length == -1 else min(length, READ_BYTES_MAX)
        # A file that is larger than what a seek can say has no such part.
        if offset >= size:
            return {"offset": offset, "data": ""}
        file.seek(offset)
        return {"offset": offset, "data": file.read(wanted).decode("utf-8", "replace")}


def listing(path: str) -> list[dict[str, object]]:
    """The entries of a directory, sorted by name; links are shown as what they are."""
    entries = []
    with os.scandir(path) as found:
        for number, entry in enumerate(found):
            if number >= BROWSE_ENTRIES_MAX:
                break
            try:
                seen = entry.stat(follow_symlinks=False)
            except OSError:
                # Gone between the two looks.
                continue
            entries.append(_entry(entry.name, seen))
    entries.sort(key=lambda one: str(one["path"]))
    return entries


def _entry(name: str, seen: os.stat_result) -> dict[str, object]:
    return {
        "path": name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "nlink": seen.st_nlink,
        "size": seen.st_size,
        "mtime": seen.st_mtime,
        "mode": stat.filemode(seen.st_mode),
        "uid": _user(seen.st_uid),
        "gid": _group(seen.st_gid),
    }


@lru_cache(256)
def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


@lru_cache(256)
def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


class FilesApi:
    """``/files/browse``, ``/files/read``, ``/files/download`` and ``/files/debug``."""

    app = Klein()

    def __init__(self, places: Places) -> None:
        self._places = places

    @app.route("/browse")
    @app.route("/browse.json")
    @as_json
    async def browse(self, query: Query) -> object:
        """What is in a directory; a file is a list of itself."""
        asked, real = self._named(query)
        try:
            if not os.path.isdir(real):
                return [{**_entry(os.path.basename(real), os.stat(real)), "path": asked}]
            return [{**one, "path": os.path.join(asked, str(one["path"]))} for one in listing(real)]
        except OSError as fault:
            raise _unreadable(fault) from None

    @app.route("/read")
    @app.route("/read.json")
    @as_json
    async def read(self, query: Query) -> object:
        """A part of a file."""
        _, real = self._named(query)
        offset, length = query.whole("offset", -1), query.whole("length", -1)
        for name, number in (("offset", offset), ("length", length)):
            if number < -1:
                text = f"Negative {name} provided: {number}.\n"
                raise HttpRefusal.bad_request(text)
        if os.path.isdir(real):
            raise HttpRefusal.bad_request("Cannot read a directory.\n")
        if not stat.S_ISREG(os.stat(real).st_mode):
            raise HttpRefusal.bad_request("Only a regular file can be read.\n")
        try:
            return read_part(real, offset, length)
        except OSError as fault:
            raise _unreadable(fault) from None

    @app.route("/download")
    @app.route("/download.json")
    @as_json
    async def download(self, query: Query) -> object:
        """A whole file."""
        _, real = self._named(query)
        if os.path.isdir(real):
            raise HttpRefusal.bad_request("Cannot download a directory.\n")
        name = os.path.basename(real).replace('"', "_").replace("\n", "_")
        try:
            if not stat.S_ISREG(os.stat(real).st_mode):
                raise HttpRefusal.bad_request("Only a regular file can be read.\n")
            with open(real, "rb") as file:
                body = file.read(DOWNLOAD_BYTES_MAX + 1)
        except OSError as fault:
            raise _unreadable(fault) from None
        if len(body) > DOWNLOAD_BYTES_MAX:
            raise HttpRefusal(413, f"Over {DOWNLOAD_BYTES_MAX} bytes: read it in parts.\n")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        # A page that a task wrote must not run in the origin of this site.
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
        }
        return Reply(body, kind, headers=headers)

    @app.route("/debug")
    @app.route("/debug.json")
    @as_json
    async def debug(self, query: Query) -> object:
        """What is shown, and where it really is."""
        return json_reply(dict(self._places.shown()))

    def _named(self, query: Query) -> tuple[str, str]:
        path = query.get("path")
        if not path:
            raise HttpRefusal.bad_request("Expecting 'path=value' in query.\n")
        return path, self._places.real(path)


def _unreadable(fault: OSError) -> HttpRefusal:
    if isinstance(fault, FileNotFoundError):
        return HttpRefusal.not_found()
    if isinstance(fault, PermissionError):
        return HttpRefusal.forbidden("")
    return HttpRefusal.bad_request(f"{fault.strerror}.\n")
