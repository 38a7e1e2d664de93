"""Where files come from: a web server, or this machine, read with the task's own rights."""

from __future__ import annotations

import base64
import http.client
import os
import ssl
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from mesostw.launching.child import Fault
from mesostw.launching.fetching.files import Reads

USER_AGENT: Final = "mesostw-fetcher"
#: Characters of a URL that are sent as they are; all others are percent-encoded.
_AS_THEY_ARE: Final = "%/:=&?~#+!$,;'@()*[]"
_OK: Final = 200


class Source(NamedTuple):
    """An open file somewhere."""

    bytes: Reads
    #: What was promised; ``None`` if nothing was.
    size: int | None


class _Arriving:
    """What a server sends, as it comes: a slow one is not waited for until a chunk is full."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer

    def read(self, size: int, /) -> bytes:
        return self._answer.read1(size)


@contextmanager
def opened(value: str, path: str | None, stall_s: float, method: str = "GET") -> Iterator[Source]:
    """
    The file that a URI names.

    :param path: where it is, if it is on this machine.
    :param stall_s: how long nothing may come from a server.
    :raises Fault: if it cannot be had, with the cause in words.
    """
    if path is not None:
        with _local(path) as source:
            yield source
        return
    try:
        with _web(value, stall_s, method) as source:
            yield source
    except urllib.error.HTTPError as fault:
        fault.close()
        raise Fault("SOURCE", f"the server answers {fault.code} {fault.reason}") from None
    except TimeoutError:
        raise Fault("SOURCE", f"nothing came for {stall_s:g} s") from None
    except urllib.error.URLError as fault:
        if isinstance(fault.reason, TimeoutError):
            raise Fault("SOURCE", f"nothing came for {stall_s:g} s") from None
        raise Fault("SOURCE", str(fault.reason)) from None
    except (http.client.HTTPException, ssl.SSLError, ConnectionError) as fault:
        raise Fault("SOURCE", f"the server breaks off or makes no sense: {fault!r}") from None


@contextmanager
def _local(path: str) -> Iterator[Source]:
    try:
        # A pipe that nobody writes to must not be waited for.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as fault:
        raise Fault("SOURCE", fault.strerror or str(fault)) from None
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        kind = "a directory" if stat.S_ISDIR(found.st_mode) else "no plain file"
        raise Fault("SOURCE", f"it is {kind}; pack it, or name a file")
    with os.fdopen(fd, "rb", buffering=0) as file:
        yield Source(file, found.st_size)


@contextmanager
def _web(value: str, stall_s: float, method: str) -> Iterator[Source]:
    with _opener().open(_request(value, method), timeout=stall_s) as answer:
        if answer.status != _OK:
            raise Fault("SOURCE", f"the server answers {answer.status} {answer.reason}")
        promised = answer.headers.get("Content-Length", "")
        size = int(promised) if promised.isascii() and promised.isdigit() else None
        yield Source(_Arriving(answer), size)


def _request(value: str, method: str) -> urllib.request.Request:
    parts = urlsplit(value)
    login, at, host = parts.netloc.rpartition("@")
    address = urlunsplit((parts.scheme, host, parts.path or "/", parts.query, ""))
    request = urllib.request.Request(quote(address, safe=_AS_THEY_ARE), method=method)
    request.add_header("User-Agent", USER_AGENT)
    if at:
        proof = base64.b64encode(unquote(login).encode()).decode()
        # Not told to whom the server sends us on.
        request.add_unredirected_header("Authorization", f"Basic {proof}")
    return request


def _opener() -> urllib.request.OpenerDirector:
    """What follows redirects, to http and https only, and knows proxies by the environment."""
    opener = urllib.request.OpenerDirector()
    for part in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(part)
    return opener
