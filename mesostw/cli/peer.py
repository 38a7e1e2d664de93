"""Asking a daemon over HTTP, with errors a person can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
import treq
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.internet.error import TimeoutError as DialTimedOut
from twisted.web.client import Agent, HTTPConnectionPool, ResponseFailed, ResponseNeverReceived

#: How long a daemon may take to answer.
ANSWER_TIMEOUT_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 5.0
NO_HEADERS: Final[Mapping[str, str]] = {}


class ClusterError(Exception):
    """A request that could not be answered, in words for the person who made it."""


class Answered(ClusterError):
    """A daemon answered with an error."""

    def __init__(self, text: str, status: int, body: Any) -> None:
        super().__init__(text)
        self.status = status
        #: As JSON, if it is that; else ``None``.
        self.body = body


class Peer:
    """
    One daemon's HTTP.

    :param what: ``master`` or ``Marathon``, and ``hint`` what to do if none answers.
    :param credentials: user and password, if it wants any.
    """

    def __init__(
        self,
        reactor: Any,
        address: str,
        what: str,
        hint: str,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            raise ClusterError(f"{address!r} is no address of a {what}; give it as HOST:PORT")
        self.address = address
        self._what, self._hint, self._credentials = what, hint, credentials
        pool = HTTPConnectionPool(reactor, persistent=True)
        agent = Agent(reactor, connectTimeout=CONNECT_TIMEOUT_S, pool=pool)
        self._client = treq.client.HTTPClient(agent)

    async def get(self, resource: str, /, **parameters: str | int) -> Any:
        """The JSON at ``resource``."""
        return await self.ask("GET", resource, parameters)

    async def post(self, resource: str, /, **parameters: str | int) -> Any:
        """Have ``resource`` do something; its JSON answer, ``None`` if it has none."""
        return await self.ask("POST", resource, parameters)

    async def ask(
        self,
        method: str,
        path: str,
        parameters: dict[str, str | int],
        document: Any = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Any:
        """
        Ask anything; ``document`` is sent as JSON.

        :raises ClusterError: nobody answered; :class:`Answered`: the answer is an error.
        """
        response, body = await self._exchanged(method, path, parameters, document, headers)
        value = _json_of(body)
        if response.code >= 400:
            text = self._error_text(value) or body.decode(errors="replace").strip()
            text = text or response.phrase.decode()
            words = f"{self.address} answered {response.code} to {path}: {text}"
            raise Answered(words, response.code, value)
        if body and value is None:
            raise ClusterError(f"{self.address} did not answer {path} with JSON")
        return value

    async def open(self, path: str, parameters: dict[str, str | int], accept: str) -> Any:
        """The response at ``path`` whose body comes piece by piece."""
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        return await self._asked("GET", path + query, {"Accept": accept}, None, timeout=None)

    async def _exchanged(
        self,
        method: str,
        path: str,
        parameters: dict[str, str | int],
        document: Any,
        headers: Mapping[str, str],
    ) -> tuple[Any, bytes]:
        query = f"?{urlencode(parameters)}" if parameters else ""
        target = quote(path, safe="/:()*@") + query
        response = await self._asked(
            method, target, dict(headers.items()), document, timeout=ANSWER_TIMEOUT_S
        )
        try:
            return response, await response.content()
        except (ResponseFailed, ConnectionLost, ConnectionDone) as fault:
            raise ClusterError(f"{self.address} broke off its answer to {path}") from fault

    async def _asked(
        self,
        method: str,
        target: str,
        headers: dict[str | bytes, str | bytes],
        document: Any,
        timeout: float | None,
    ) -> Any:
        url = f"http://{self.address}{target}"
        body = None
        if document is not None:
            body = msgspec.json.encode(document)
            headers["Content-Type"] = "application/json"
        try:
            return await self._client.request(
                method, url, headers=headers, data=body, auth=self._credentials, timeout=timeout
            )
        except (ConnectError, DialTimedOut, ConnectionLost, ConnectionDone) as fault:
            raise ClusterError(
                f"no {self._what} answers at {self.address} ({fault}); {self._hint}"
            ) from fault
        except (ResponseFailed, ResponseNeverReceived) as fault:
            raise ClusterError(f"{self.address} broke off its answer to {target}") from fault

    def _error_text(self, value: Any) -> str:
        """What an error's JSON says to a person; nothing if it is not known how to read it."""
        return ""


def _json_of(body: bytes) -> Any:
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
