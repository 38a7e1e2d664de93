"""The names of things as plain values: tables are keyed by these."""

from typing import NewType

AgentId = NewType("AgentId", str)
FrameworkId = NewType("FrameworkId", str)
TaskId = NewType("TaskId", str)
ExecutorId = NewType("ExecutorId", str)
OfferId = NewType("OfferId", str)
ContainerId = NewType("ContainerId", str)

#: One connection of this daemon's life, counted from 1; never used twice.
LinkId = NewType("LinkId", int)
#: A forwarding number of one link; 0 is no route.
RouteId = NewType("RouteId", int)
#: One question that somebody awaits the answer of.
RequestId = NewType("RequestId", int)
