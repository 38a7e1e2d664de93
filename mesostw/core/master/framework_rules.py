"""What a FrameworkInfo may say; the answers are those of Mesos."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mesostw.core.master.recovery import capabilities_of, roles_of
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.model.names import id_fault, role_fault


def info_fault(info: FrameworkInfo, suppressed: Iterable[str], *, root: bool) -> str | None:
    """Say what is wrong with a framework that subscribes, ``None`` if nothing."""
    return (
        _id_fault(info)
        or _roles_fault(info)
        or _suppressed_fault(info, suppressed)
        or _failover_fault(info)
        or _filters_fault(info)
        or (None if root or info.user != "root" else "User 'root' is not allowed to run frameworks")
    )


def _id_fault(info: FrameworkInfo) -> str | None:
    if info.id is None or not info.id.value:
        return None
    fault = id_fault(info.id.value)
    return None if fault is None else f"'FrameworkInfo.id' {fault}"


def _roles_fault(info: FrameworkInfo) -> str | None:
    multi = "MULTI_ROLE" in capabilities_of(info)
    if multi and info.role != "*":
        return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"
    if not multi and info.roles:
        return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
    roles = roles_of(info)
    doubles = sorted({role for role in roles if roles.count(role) > 1})
    if doubles:
        return f"'FrameworkInfo.roles' contains duplicate items: {', '.join(doubles)}"
    for role in roles:
        fault = role_fault(role)
        if fault is not None:
            field = "roles" if multi else "role"
            return f"'FrameworkInfo.{field}' contains invalid role: {fault}"
    return None


def _suppressed_fault(info: FrameworkInfo, suppressed: Iterable[str]) -> str | None:
    strange = sorted(set(suppressed) - set(roles_of(info)))
    if strange:
        return f"Suppressed roles {{ {', '.join(strange)} }} are not contained in framework roles"
    return None


def _failover_fault(info: FrameworkInfo) -> str | None:
    timeout_s = info.failover_timeout
    if math.isnan(timeout_s) or timeout_s < 0:
        return (
            "The framework failover_timeout is invalid:"
            f" {timeout_s} is no time; use 0 or more seconds"
        )
    return None


def _filters_fault(info: FrameworkInfo) -> str | None:
    for role, filters in info.offer_filters.items():
        if role not in roles_of(info):
            return f"Offer filters for role '{role}' which the framework does not have"
        least = filters.min_allocatable_resources
        for each in () if least is None else least.quantities:
            for name, one in each.quantities.items():
                if not (math.isfinite(one.value) and one.value >= 0):
                    return (
                        f"Offer filters for role '{role}': the quantity of {name} is"
                        f" {one.value}; use 0 or more"
                    )
    return None


def update_fault(old: FrameworkInfo, new: FrameworkInfo) -> str | None:
    """Say what an UPDATE_FRAMEWORK changes that may not change, ``None`` if nothing."""
    if old.principal != new.principal:
        return "Changing framework's principal is not allowed"
    if old.user != new.user:
        return "Updating 'FrameworkInfo.user' is unsupported"
    if old.checkpoint != new.checkpoint:
        return "Updating 'FrameworkInfo.checkpoint' is unsupported"
    return None
