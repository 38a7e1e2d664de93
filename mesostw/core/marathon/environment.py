"""The variables that an instance is started with; names and forms are Marathon's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from mesostw.model.apps import App, AppSpec, PortDefinition

#: Longer keys and values of labels are no variables: some systems cannot start with them.
LABEL_CHARS_MAX: Final = 512
_LABEL: Final = "MARATHON_APP_LABEL_"
_STRANGE: Final = re.compile("[^a-zA-Z0-9_]+")


def shared_variables(app: App, enforces_role: bool | None) -> dict[str, str]:
    """
    What all instances of a version have in common.

    :param enforces_role: whether the app's top-level group names its role; ``None`` without one.
    """
    spec = app.spec
    variables = {
        "MARATHON_APP_ID": spec.id,
        "MARATHON_APP_VERSION": app.version,
        "MARATHON_APP_RESOURCE_CPUS": str(float(spec.cpus)),
        "MARATHON_APP_RESOURCE_MEM": str(float(spec.mem)),
        "MARATHON_APP_RESOURCE_DISK": str(float(spec.disk)),
        "MARATHON_APP_RESOURCE_GPUS": str(spec.gpus),
    }
    if enforces_role is not None:
        variables["MARATHON_APP_ENFORCE_GROUP_ROLE"] = "TRUE" if enforces_role else "FALSE"
    variables.update(_of_labels(spec.labels))
    return variables


def variables_of(
    spec: AppSpec,
    shared: Mapping[str, str],
    task_id: str,
    hostname: str,
    ports: Iterable[int],
    prefix: str,
) -> dict[str, str]:
    """
    Every variable of one instance; what the app itself says wins.

    :param prefix: of the variables for ports and the host, and of no others.
    """
    placed = _of_ports(spec.port_definitions, tuple(ports))
    placed["HOST"] = hostname
    variables = {"MESOS_TASK_ID": task_id, **shared}
    variables.update((prefix + name, value) for name, value in placed.items())
    variables.update(spec.env)
    return variables


def _of_ports(definitions: Iterable[PortDefinition], ports: tuple[int, ...]) -> dict[str, str]:
    if not ports:
        return {}
    variables = {f"PORT{index}": str(port) for index, port in enumerate(ports)}
    for definition, port in zip(definitions, ports, strict=True):
        variables[f"PORT_{definition.port or port}"] = str(port)
        if definition.name is not None:
            name = definition.name.upper()
            variables[f"PORT_{name}"] = str(port)
            # A shell cannot read a name with a dash.
            variables[f"PORT_{_STRANGE.sub('_', name)}"] = str(port)
    variables["PORT"] = str(ports[0])
    variables["PORTS"] = ",".join(map(str, ports))
    return variables


def _of_labels(labels: Mapping[str, str]) -> dict[str, str]:
    valid = {
        _STRANGE.sub("_", key).upper(): value
        for key, value in labels.items()
        if len(key) < LABEL_CHARS_MAX - len(_LABEL) and len(value) < LABEL_CHARS_MAX
    }
    variables = {_LABEL + key: value for key, value in valid.items()}
    variables["MARATHON_APP_LABELS"] = " ".join(valid)
    return variables
