"""
From what a document says to what is wished: old forms, defaults, and what stays.

Defaults that do not depend on anything stand in ``model.apps``; here are those that do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, Struct
from msgspec.structs import replace

from mesostw.core.framework.faults import Faults, unsupported
from mesostw.core.marathon import placements, roles
from mesostw.core.marathon.documents import AppDraft, ContainerDraft, ContainerType, EnvSecret
from mesostw.core.marathon.emitting import EVERY_AGENT
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.identifiers import resolved
from mesostw.core.marathon.roles import RoleRules
from mesostw.model.apps import (
    AppId,
    AppSpec,
    Check,
    CheckProtocol,
    Fetch,
    HealthCheck,
    PortDefinition,
    UnreachableStrategy,
    UpgradeStrategy,
    parent_of,
)

#: The one port of an app that says nothing of ports.
PORT_DEFAULT: Final = PortDefinition(name="default")
#: Of an app that may never have two instances.
UPGRADE_SINGLE: Final = UpgradeStrategy(minimum_health_capacity=0.0, maximum_over_capacity=0.0)

#: Names by which ``uris`` are taken for archives.
_ARCHIVE: Final = re.compile(r"\.(tgz|tar\.gz|tbz2|tar\.bz2|txz|tar\.xz|zip|tar|gz)$").search

#: What a draft says in the same words as a spec.
_PLAIN: Final = tuple(
    name
    for name in AppSpec.__struct_fields__
    if name in AppDraft.__struct_fields__
    and name
    not in {
        "id",
        "cmd",
        "args",
        "env",
        "instances",
        "constraints",
        "networks",
        "dependencies",
        "unreachable_strategy",
    }
)


class Ground(Struct, frozen=True):
    """What a document is read against."""

    id: AppId
    #: As it is wished now; ``None`` if it is new.
    before: AppSpec | None
    #: Whether what is left out stays as it is.
    partial: bool
    roles: RoleRules
    flags: MarathonFlags

    @property
    def kept(self) -> AppSpec | None:
        """What stays where the document says nothing."""
        return self.before if self.partial else None


def spec_of(draft: AppDraft, ground: Ground, faults: Faults) -> AppSpec:
    """What is wished; only good if nothing was added to ``faults``, and not validated yet."""
    _refuse_unsupported(draft, faults)
    given: dict[str, object] = {
        name: value for name in _PLAIN if (value := getattr(draft, name)) is not UNSET
    }
    given |= _command(draft)
    given |= _sizes(draft, ground)
    given |= _ports(draft, faults)
    given |= _files(draft, faults)
    given |= _others(draft, ground, faults)
    spec = replace(ground.kept or AppSpec(id=ground.id), **given)
    return _depending(spec, draft, ground)


# --- parts that are more than a value ----------------------------------------------


def _command(draft: AppDraft) -> dict[str, object]:
    """One way to say a command takes the other's place; both at once is for validation."""
    given: dict[str, object] = {}
    if draft.cmd is not UNSET:
        given = {"cmd": draft.cmd, "args": ()}
    if draft.args is not UNSET:
        given["args"] = draft.args
        if draft.args and draft.cmd is UNSET:
            given["cmd"] = None
    return given


def _sizes(draft: AppDraft, ground: Ground) -> dict[str, object]:
    """
    How many, and how slowly they go: with what old clients never see.

    They send back the number they were shown, or leave it out, which changes nothing.
    """
    before = ground.before
    given: dict[str, object] = {}
    if before is not None:
        given["every_agent"] = before.every_agent
        if draft.drain_delay_seconds is UNSET:
            given["drain_delay_seconds"] = before.drain_delay_seconds
    match draft.instances:
        case int(count):
            given["instances"] = count
            given["every_agent"] = (
                before is not None and before.every_agent and before.instances == count
            )
        case str(word) if word == EVERY_AGENT:
            given["every_agent"] = True
            if before is not None:
                given["instances"] = before.instances
        case _ if before is not None and before.every_agent:
            given["instances"] = before.instances
    return given


def _ports(draft: AppDraft, faults: Faults) -> dict[str, object]:
    if draft.ports is UNSET:
        return {}
    if draft.port_definitions is not UNSET:
        if draft.ports:
            faults.add("/ports", "must not be given together with portDefinitions")
        return {}
    return {"port_definitions": tuple(PortDefinition(port=port) for port in draft.ports)}


def _files(draft: AppDraft, faults: Faults) -> dict[str, object]:
    if draft.uris is UNSET:
        return {}
    if draft.fetch is not UNSET:
        if draft.uris:
            faults.add("/uris", "must not be given together with fetch")
        return {}
    return {"fetch": tuple(Fetch(uri=uri, extract=_ARCHIVE(uri) is not None) for uri in draft.uris)}


def _others(draft: AppDraft, ground: Ground, faults: Faults) -> dict[str, object]:
    given: dict[str, object] = {}
    if draft.env is not UNSET:
        given["env"] = _environment(draft.env, faults)
    if draft.constraints is not UNSET:
        given["constraints"] = placements.constraints(draft.constraints, "/constraints", faults)
    if draft.networks is not UNSET and draft.networks:
        given["networks"] = draft.networks
    if draft.dependencies is not UNSET:
        given["dependencies"] = paths(
            draft.dependencies, parent_of(ground.id), "/dependencies", faults
        )
    if draft.unreachable_strategy is not UNSET:
        strategy = draft.unreachable_strategy
        given["unreachable_strategy"] = (
            strategy if isinstance(strategy, UnreachableStrategy) else None
        )
    return given


def paths(given: tuple[str, ...], base: str, path: str, faults: Faults) -> tuple[str, ...]:
    """Ids of apps or groups as absolute ones, each once."""
    read = (resolved(text, base, f"{path}({n})", faults) for n, text in enumerate(given))
    return tuple(dict.fromkeys(found for found in read if found is not None))


def _environment(given: Mapping[str, str | EnvSecret], faults: Faults) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, EnvSecret):
            faults.add(f"/env/{name}", unsupported("a secret"))
        else:
            values[name] = value
    return values


# --- defaults that depend ------------------------------------------------------------


def _depending(spec: AppSpec, draft: AppDraft, ground: Ground) -> AppSpec:
    filled: dict[str, object] = {}
    if ground.kept is None:
        if draft.role is UNSET:
            filled["role"] = ground.roles.default
        if draft.ports is UNSET and draft.port_definitions is UNSET:
            filled["port_definitions"] = (PORT_DEFAULT,)
        if draft.upgrade_strategy is UNSET and spec.is_single:
            filled["upgrade_strategy"] = UPGRADE_SINGLE
    spec = replace(spec, **filled) if filled else spec
    filled = _checks(spec)
    if draft.accepted_resource_roles is UNSET and _accepts_by_default(ground):
        filled["accepted_resource_roles"] = roles.accepted_by(spec.role, ground.flags)
    return replace(spec, **filled) if filled else spec


def _accepts_by_default(ground: Ground) -> bool:
    """Whether an app that says nothing of accepted roles gets those of its role."""
    kept = ground.kept
    return kept is None or kept.accepted_resource_roles == roles.accepted_by(
        kept.role, ground.flags
    )


def _checks(spec: AppSpec) -> dict[str, object]:
    """Checks that do not say which port are of the first one."""
    filled: dict[str, object] = {}
    if not spec.port_definitions:
        return filled
    if any(_needs_port(check) for check in spec.health_checks):
        filled["health_checks"] = tuple(
            replace(check, port_index=0) if _needs_port(check) else check
            for check in spec.health_checks
        )
    if spec.check is not None:
        filled["check"] = _with_port(spec.check)
    return filled


def _needs_port(check: HealthCheck) -> bool:
    return (
        check.port is None
        and check.port_index is None
        and check.protocol is not CheckProtocol.COMMAND
    )


def _with_port(check: Check) -> Check:
    http, tcp = check.http, check.tcp
    if http is not None and http.port is None and http.port_index is None:
        http = replace(http, port_index=0)
    if tcp is not None and tcp.port is None and tcp.port_index is None:
        tcp = replace(tcp, port_index=0)
    return replace(check, http=http, tcp=tcp)


# --- what is not there yet ------------------------------------------------------------


def _refuse_unsupported(draft: AppDraft, faults: Faults) -> None:
    if draft.container is not UNSET:
        _refuse_container(draft.container, faults)
    asked = (
        ("/ipAddress", "an address of its own", draft.ip_address is not UNSET),
        ("/secrets", "a secret", draft.secrets is not UNSET and bool(draft.secrets)),
        (
            "/resourceLimits",
            "a limit above what is asked for",
            draft.resource_limits is not UNSET and bool(draft.resource_limits),
        ),
        (
            "/executorResources",
            "an executor with a share of its own",
            draft.executor_resources is not UNSET and bool(draft.executor_resources),
        ),
        ("/tty", "a pseudo terminal", draft.tty is True),
    )
    for path, what, is_asked in asked:
        if is_asked:
            faults.add(path, unsupported(what))


def _refuse_container(container: ContainerDraft, faults: Faults) -> None:
    if container.docker is not UNSET:
        faults.add("/container/docker", unsupported("an image"))
    elif container.type is ContainerType.DOCKER:
        faults.add("/container/type", unsupported("DOCKER"))
    if container.volumes:
        faults.add("/container/volumes", unsupported("a volume"))
    if container.port_mappings:
        faults.add("/container/portMappings", unsupported("a mapped port"))
    if container.linux_info is not UNSET and container.linux_info:
        faults.add("/container/linuxInfo", unsupported("linuxInfo"))
