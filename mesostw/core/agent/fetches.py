"""
What an agent's core says of files to bring into a sandbox, and what it hears of them.

A fetcher (``mesostw.interfaces.IFetcher``) tells of each order once: ``Fetched`` when
every file is there, or ``FetchFailed`` with the first that is not.  Nothing is told of an
order that was cancelled, or that an earlier life of the agent gave.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from mesostw.messages.commands import URI, CommandInfo, shown
from mesostw.model.ids import ContainerId

#: Files that one command may ask for.
URIS_MAX: Final = 1_000
#: The longest name that file systems take, in bytes.
SEGMENT_BYTES_MAX: Final = 255
#: The longest path of a file in a sandbox, in bytes.
OUTPUT_FILE_BYTES_MAX: Final = 1_024
#: What can be fetched beside absolute paths.
SCHEMES: Final = ("http", "https", "file")


class FetchSpec(Struct, frozen=True, kw_only=True):
    """Bring ``uris``, in their order, into the sandbox of a container that does not run yet."""

    container_id: ContainerId
    #: Each is free of the faults that :func:`invalid` and :func:`unsupported` name.
    uris: tuple[URI, ...]
    #: The sandbox, absolute: made if missing, and given to ``user``.
    directory: str
    #: Whose rights count for what is read and written; ``None`` is the agent's own user.
    user: str | None = None

    def __repr__(self) -> str:
        """Without passwords: an order must not end in a log with them."""
        uris = ", ".join(shown(uri.value) for uri in self.uris)
        return f"FetchSpec({self.container_id!r}, [{uris}], {self.directory!r}, {self.user!r})"


class Fetched(Struct, frozen=True):
    """All files of a container are in its sandbox."""

    container_id: ContainerId


class FetchFailed(Struct, frozen=True):
    """A file could not be brought; ``message`` names its URI and the cause, for people."""

    container_id: ContainerId
    message: str


def scheme_of(value: str) -> str:
    """``http``, ``hdfs`` ...; empty for a path."""
    scheme, mark, _ = value.partition("://")
    return scheme.lower() if mark else ""


def local_path(value: str) -> str | None:
    """The path on this agent that a URI names; ``None`` if it names none."""
    if value.startswith("/"):
        return value
    if scheme_of(value) != "file":
        return None
    host, slash, path = value.partition("://")[2].partition("/")
    return unquote(slash + path) if host in ("", "localhost") else None


def file_name(uri: URI) -> str:
    """Where a file goes, relative to the sandbox: ``output_file``, or its own last name."""
    if uri.output_file is not None:
        return uri.output_file
    path = local_path(uri.value)
    if path is not None:
        return path.rpartition("/")[2]
    return unquote(urlsplit(uri.value).path.rpartition("/")[2])


def invalid(command: CommandInfo) -> str | None:
    """Why what ``command`` wants to have fetched makes no sense, in a sentence."""
    if len(command.uris) > URIS_MAX:
        return f"'CommandInfo.uris' has {len(command.uris)} entries; give at most {URIS_MAX}"
    return next(filter(None, map(_fault, command.uris)), None)


def unsupported(command: CommandInfo) -> str | None:
    """The first file that ``command`` wants and no fetcher here can bring, in a sentence."""
    for uri in command.uris:
        scheme = scheme_of(uri.value)
        if not scheme and not uri.value.startswith("/"):
            return (
                f"'CommandInfo.URI.value' {uri.value} is a relative path, and this version has "
                "no --frameworks_home to look it up in; give an absolute path or a URL"
            )
        if scheme and scheme not in SCHEMES:
            return (
                f"'CommandInfo.URI.value' {shown(uri.value)}: {scheme} is not supported in this "
                "version; give the file by http, https, file or an absolute path"
            )
    return None


def _fault(uri: URI) -> str | None:
    return next(_faults(uri), None)


def _faults(uri: URI) -> Iterator[str]:
    value = shown(uri.value)
    if not uri.value:
        yield "'CommandInfo.URI.value' is empty; give a URL or an absolute path"
    if not uri.value.isprintable():
        yield f"'CommandInfo.URI.value' {value!r} has characters that cannot be printed"
    scheme = scheme_of(uri.value)
    if scheme in ("http", "https"):
        fault = _address_fault(uri.value)
        if fault is not None:
            yield f"'CommandInfo.URI.value' {value} {fault}"
            return
    elif scheme == "file" and local_path(uri.value) is None:
        yield f"'CommandInfo.URI.value' {value} names another host; give file:///PATH"
    if uri.output_file is not None:
        fault = _path_fault(uri.output_file)
        if fault is not None:
            yield f"'CommandInfo.URI.output_file' {uri.output_file!r} of {value} {fault}"
    elif not scheme or scheme in SCHEMES:
        name = file_name(uri)
        if "/" in name or _path_fault(name) is not None:
            yield (
                f"'CommandInfo.URI.value' {value} does not end in the name of a file; "
                "give 'output_file'"
            )


def _address_fault(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as fault:
        return f"is no URL: {fault}"
    return None if parts.hostname else "names no host"


def _path_fault(path: str) -> str | None:
    if path.startswith("/"):
        return "is absolute; give a path relative to the sandbox"
    if not path.isprintable() or len(path.encode()) > OUTPUT_FILE_BYTES_MAX:
        return f"is no path: it is too long (over {OUTPUT_FILE_BYTES_MAX} bytes) or unprintable"
    for step in path.split("/"):
        if step in ("", ".", ".."):
            return "leads out of the sandbox or nowhere; give names joined by single slashes"
        if len(step.encode()) > SEGMENT_BYTES_MAX:
            return f"has a name of more than {SEGMENT_BYTES_MAX} bytes"
    return None
