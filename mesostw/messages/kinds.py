"""
The number of each message on the bus: the ``kind`` in a frame's header.

A number is never used for another message, not even after the first is gone,
so that old and new daemons understand each other. Each conversation has a
hundred.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from mesostw.messages import (
    agent_master,
    executor_calls,
    executor_events,
    followers,
    hello,
    scheduler_calls,
    scheduler_events,
)

#: The type of each kind, by its number from 1 to 65535.
KINDS: Final[Mapping[int, type[Struct]]] = MappingProxyType(
    {
        1: hello.Hello,
        2: hello.Welcome,
        3: hello.Unwelcome,
        100: agent_master.RegisterAgent,
        101: agent_master.ReregisterAgent,
        102: agent_master.UnregisterAgent,
        103: agent_master.AgentRegistered,
        104: agent_master.AgentReregistered,
        105: agent_master.Ping,
        106: agent_master.Pong,
        107: agent_master.RunTask,
        108: agent_master.RunTaskGroup,
        109: agent_master.KillTask,
        110: agent_master.StatusUpdated,
        111: agent_master.AcknowledgeStatus,
        112: agent_master.ExecutorExited,
        113: agent_master.ShutdownExecutor,
        114: agent_master.ShutdownFramework,
        115: agent_master.ShutdownAgent,
        116: agent_master.FrameworkMessage,
        117: agent_master.RouteOpened,
        118: agent_master.RouteClosed,
        119: agent_master.FrameworkReturned,
        200: scheduler_calls.Subscribe,
        201: scheduler_calls.Teardown,
        202: scheduler_calls.Accept,
        203: scheduler_calls.Decline,
        204: scheduler_calls.AcceptInverseOffers,
        205: scheduler_calls.DeclineInverseOffers,
        206: scheduler_calls.Revive,
        207: scheduler_calls.Suppress,
        208: scheduler_calls.Kill,
        209: scheduler_calls.Shutdown,
        210: scheduler_calls.Acknowledge,
        211: scheduler_calls.AcknowledgeOperationStatus,
        212: scheduler_calls.Reconcile,
        213: scheduler_calls.ReconcileOperations,
        214: scheduler_calls.Message,
        215: scheduler_calls.Request,
        216: scheduler_calls.UpdateFramework,
        300: scheduler_events.Subscribed,
        301: scheduler_events.Offers,
        302: scheduler_events.InverseOffers,
        303: scheduler_events.Rescind,
        304: scheduler_events.RescindInverseOffer,
        305: scheduler_events.Update,
        306: scheduler_events.UpdateOperationStatus,
        307: scheduler_events.Message,
        308: scheduler_events.Failure,
        309: scheduler_events.Error,
        310: scheduler_events.Heartbeat,
        400: executor_calls.Subscribe,
        401: executor_calls.Update,
        402: executor_calls.Message,
        403: executor_calls.Heartbeat,
        500: executor_events.Subscribed,
        501: executor_events.Launch,
        502: executor_events.LaunchGroup,
        503: executor_events.Kill,
        504: executor_events.Acknowledged,
        505: executor_events.Message,
        506: executor_events.Shutdown,
        507: executor_events.Error,
        508: executor_events.Heartbeat,
        600: followers.Follow,
        601: followers.Copying,
        602: followers.Resumed,
        603: followers.CopyPart,
        604: followers.CopyPartTaken,
        605: followers.Published,
        606: followers.Probe,
        607: followers.Echo,
    }
)

#: The number of each type.
NUMBERS: Final[Mapping[type[Struct], int]] = MappingProxyType(
    {kind: number for number, kind in KINDS.items()}
)
