"""
A real ensemble, through kazoo; ``docs/adr/0019-zookeeper.md`` says why and how fast.

A session is one kazoo client, and ends with it.  By itself kazoo opens another session
when one has expired, with nobody's ephemeral nodes in it; ours is not let.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from kazoo.client import KazooClient
from kazoo.protocol import serialization
from kazoo.retry import KazooRetry
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.interfaces import IZooKeeper, IZooSession
from mesostw.model.zkurl import ZkUrl
from mesostw.model.zookeeper import OPEN, READ_BY_ALL, SessionState
from mesostw.zookeeper.crossing import Crossing, SessionOver
from mesostw.zookeeper.rooted import open_at
from mesostw.zookeeper.session import Session

#: What Mesos asks for; the ensemble may agree to less or more.
SESSION_TIMEOUT_S: Final = 10.0
#: Between two dials, growing from the first to the second.
REDIAL_S_MIN: Final = 0.1
REDIAL_S_MAX: Final = 1.0


class Relay(logging.Handler):
    """
    Kazoo's log in ours, told in the reactor.

    What kazoo says below ``INFO`` has passwords in it and is never formatted; of requests, which
    have sessions' passwords and nodes' values in them, it is only said what they are.
    """

    _log = Logger()

    def __init__(self, crossing: Crossing) -> None:
        super().__init__()
        self._crossing = crossing

    def emit(self, record: logging.LogRecord) -> None:
        # How its loop is ended is no fault: once by what is thrown, once by what it makes of it.
        thrown = record.exc_info is not None and record.exc_info[0] is SessionOver
        if not thrown and not (record.funcName == "zk_loop" and self._crossing.is_over()):
            if isinstance(record.args, tuple):
                record.args = tuple(map(_shown, record.args))
            self._crossing.put(partial(self._tell, record.levelno), record.getMessage())

    def _tell(self, level: int, text: str) -> None:
        if level >= logging.WARNING:
            self._log.warn("{text}", text=text)
        else:
            self._log.debug("{text}", text=text)


def _shown(argument: object) -> object:
    kind = type(argument)
    return kind.__name__ if kind.__module__ == serialization.__name__ else argument


@implementer(IZooKeeper)
class KazooEnsemble:
    """
    The ensemble that ``url`` names.

    :param clock: the reactor's time; any thread may read it.
    :param from_thread: has the reactor call something soon (``reactor.callFromThread``).
    :param timeout_s: how long sessions should outlive the last that is heard of them.
    """

    _log = Logger()

    def __init__(
        self,
        url: ZkUrl,
        clock: IReactorTime,
        from_thread: Callable[..., object],
        timeout_s: float = SESSION_TIMEOUT_S,
    ) -> None:
        self._url = url
        self._clock = clock
        self._from_thread = from_thread
        self._timeout_s = timeout_s

    def __repr__(self) -> str:
        return f"<KazooEnsemble {self._url}>"

    def connect(self, listener: Callable[[SessionState], None]) -> Deferred[IZooSession]:
        return Deferred.fromCoroutine(open_at(self._open, self._url.path, listener))

    def _open(self, listener: Callable[[SessionState], None]) -> Deferred[Session]:
        seconds, servers = self._clock.seconds, len(self._url.servers)
        crossing = Crossing(self._from_thread, self._failed, seconds, servers)
        who = self._url.credentials
        client = KazooClient(
            hosts=self._url.hosts,
            timeout=self._timeout_s,
            handler=crossing,
            auth_data=[("digest", f"{who.user}:{who.password}")] if who else None,
            connection_retry=KazooRetry(
                max_tries=-1,
                delay=REDIAL_S_MIN,
                max_delay=REDIAL_S_MAX,
                sleep_func=crossing.sleep_func,
            ),
            logger=self._logger(crossing),
        )
        session = Session(
            self._clock, crossing, client, READ_BY_ALL if who else OPEN, self._timeout_s
        )
        session.listener = listener
        crossing.heard = session.changed
        crossing.state = lambda: str(client.client_state)
        client.add_listener(crossing.state_changed)
        client.start_async()
        return session.opened

    @staticmethod
    def _logger(crossing: Crossing) -> logging.Logger:
        logger = logging.Logger("kazoo", logging.INFO)
        logger.addHandler(Relay(crossing))
        return logger

    def _failed(self, fault: Exception) -> None:
        self._log.failure("a watch, a listener or kazoo itself failed", Failure(fault))
