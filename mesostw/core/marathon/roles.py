"""
Which roles an app may have, which one it gets, and whose resources it takes.

An app in the root has Marathon's own role.  One further down may also have the name of its
top-level group, and only that if the group enforces it.  A role that an app has already it
may keep.
"""

from __future__ import annotations

from msgspec import Struct

from mesostw.core.marathon.flags import MarathonFlags
from mesostw.model.apps import ROOT, AppId, AppSpec, Group, GroupId, groups_above

#: Of what is not reserved for anybody.
ANY = "*"


class RoleRules(Struct, frozen=True):
    """Of one app."""

    default: str
    #: In the order they are told in.
    valid: tuple[str, ...]


def top_of(path: str) -> GroupId:
    """The top-level group that a path is in or is; the root for apps right in the root."""
    above = groups_above(path)
    return above[1] if len(above) > 1 else ROOT


def rules_of(
    app_id: AppId, top: Group | None, flags: MarathonFlags, before: AppSpec | None = None
) -> RoleRules:
    """What holds for an app; ``top`` is the record of its top-level group, if that has one."""
    own = flags.mesos_role
    top_id = top_of(app_id)
    if top_id == ROOT:
        default, valid = own, [own]
    elif is_enforced(top, flags):
        default, valid = top_id[1:], [top_id[1:]]
    else:
        default, valid = own, [own, top_id[1:]]
    if before is not None and before.role not in valid:
        valid.append(before.role)
    return RoleRules(default, tuple(valid))


def is_enforced(top: Group | None, flags: MarathonFlags) -> bool:
    """Whether apps in a top-level group take its name as their role; a flag, for new ones."""
    if top is None:
        return flags.new_group_enforce_role == "top"
    return top.enforce_role is True


def accepted_by(role: str, flags: MarathonFlags) -> tuple[str, ...]:
    """Whose resources an app takes that does not say: those of nobody, and of its role."""
    meant = set(flags.default_accepted_resource_roles.replace(" ", "").split(","))
    both = not meant & {"unreserved", "reserved"}
    roles = [ANY] if both or "unreserved" in meant else []
    if role not in roles and (both or "reserved" in meant):
        roles.append(role)
    return tuple(roles)
