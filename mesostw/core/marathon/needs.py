"""What one instance of an app needs of an agent, prepared for being asked often."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from mesostw.core.framework.places import REGION, ZONE
from mesostw.core.framework.portpick import ANY_PORT
from mesostw.core.framework.scalars import ANYTHING, Accepts, Scalars
from mesostw.core.marathon.constraints import fields_of
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.model.amounts import thousandths
from mesostw.model.apps import App, AppSpec
from mesostw.model.names import ANY_ROLE

#: By the value of ``default_accepted_resource_roles``; unset is ``any``.
_DEFAULTS: Final = {
    "": ANYTHING,
    "any": ANYTHING,
    "unreserved": Accepts(reserved=False),
    "reserved": Accepts(unreserved=False),
}


class Need(Struct, frozen=True):
    """An app as matching sees it."""

    app: App
    scalars: Scalars
    accepts: Accepts
    #: Numbers that must be had, or ``ANY_PORT``.
    ports: tuple[int, ...]
    #: What a tally of its instances counts by; empty if nothing is counted.
    fields: tuple[str, ...]
    #: Whether agents of other regions than the master's are refused.
    stays_home: bool


def need_of(app: App, flags: MarathonFlags) -> Need:
    """Prepare an app for being matched."""
    spec = app.spec
    fields = fields_of(app)
    return Need(
        app=app,
        scalars=scalars_of(spec),
        accepts=_accepts(spec, flags),
        ports=ports_of(spec),
        fields=fields,
        stays_home=REGION not in fields and ZONE not in fields,
    )


def scalars_of(spec: AppSpec) -> Scalars:
    """What one instance uses."""
    return Scalars(
        thousandths(spec.cpus, "cpus"),
        thousandths(spec.mem, "mem"),
        thousandths(spec.disk, "disk"),
        thousandths(spec.gpus, "gpus"),
    )


def ports_of(spec: AppSpec) -> tuple[int, ...]:
    """The host ports of one instance: a definition's number is meant only if it is required."""
    return tuple(one.port if spec.require_ports else ANY_PORT for one in spec.port_definitions)


def _accepts(spec: AppSpec, flags: MarathonFlags) -> Accepts:
    roles = spec.accepted_resource_roles
    if spec.role == ANY_ROLE:
        # Nothing reserved is ever offered to it.
        return ANYTHING
    if not roles:
        return _DEFAULTS.get(flags.default_accepted_resource_roles, ANYTHING)
    return Accepts(spec.role in roles, ANY_ROLE in roles)
