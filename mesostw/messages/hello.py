"""
The first words on a link of the bus, before any other.

::

    dialled by                    answered by
    Hello                    ->            within seconds, or the link ends
                             <-  Welcome            or Unwelcome, and the link ends

Whoever has said these may say what the conversation of its role allows.
"""

from __future__ import annotations

from msgspec import Struct


class Hello(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Who dials."""

    #: ``agent``, ``framework``, ``executor`` or ``follower``.
    role: str
    #: The id that it has already; empty if it has none. An executor's is
    #: ``FRAMEWORK_ID/EXECUTOR_ID``.
    id: str = ""
    #: Of the program, ``1.2.3``.
    version: str
    #: The newest epoch that it has heard of, for logs; 0 if none. It refuses older masters itself.
    epoch: int = 0
    #: Where its own HTTP answers, ``ip:port``; empty if nowhere.
    address: str = ""


class Welcome(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Who answers; the link may be used."""

    #: ``master`` or ``agent``.
    role: str
    #: The answering daemon's own id.
    id: str
    version: str
    #: The master's term; 0 from an agent.
    epoch: int = 0


class Unwelcome(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The link may not be used; it ends after this."""

    #: For a program: ``not_leading``, ``recovering``, ``old_epoch``, ``bad_role``, ``bad_hello``.
    reason: str
    #: For a person.
    message: str
    #: Who leads, ``host:port``, if the answering master knows; else empty.
    leader: str = ""
