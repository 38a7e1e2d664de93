"""Who leads, as the parts themselves say, and whether everything is there."""

from __future__ import annotations

import http.client
import json
from typing import Any, Final

from tests.functional.hosts import sessions
from tests.functional.hosts.streets import Streets

PATIENCE_S: Final = 1.0
LEADERS: Final = {"marathon": "/v2/leader", "chronos": "/v1/scheduler/leader"}


def get(address: str, path: str, patience_s: float = PATIENCE_S) -> tuple[int, Any, str]:
    """Status, document and ``Location`` of one answer; status 0 if there was none."""
    link = http.client.HTTPConnection(address, timeout=patience_s)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException):
        return 0, None, ""
    finally:
        link.close()
    try:
        found = json.loads(text) if text else None
    except ValueError:
        found = None
    return answer.status, found, answer.getheader("Location") or ""


def masters_leading(town: Streets) -> list[str]:
    """Addresses of masters that say of themselves that they lead."""
    found = []
    for address in town.addresses_of("master"):
        status, _, where = get(address, "/redirect")
        if status == 307 and where.rpartition("/")[2] == address:
            found.append(address)
    return found


def masters_acting(town: Streets) -> list[str]:
    """Addresses of masters that say that they lead, and can prove it."""
    addresses = town.addresses_of("master")
    return [address for address in addresses if get(address, "/health/leader")[0] == 200]


def leading(town: Streets, role: str) -> str | None:
    """The address of who leads a role, if somebody says so."""
    if role == "zookeeper":
        return sessions.leading(town.addresses_of(role))
    if role == "master":
        return next(iter(masters_leading(town)), None)
    for address in town.addresses_of(role):
        status, told, _ = get(address, LEADERS[role])
        if status == 200 and isinstance(told, dict) and told.get("leader"):
            return str(told["leader"])
    return None


def leading_part(town: Streets, role: str) -> str | None:
    """The name of who leads a role."""
    address = leading(town, role)
    return next((part.name for part in town.of_role(role) if part.address == address), None)


def of_master(town: Streets, path: str) -> Any:
    """What the leading master answers; ``None`` if none does."""
    for address in masters_leading(town):
        status, told, _ = get(address, path, 5 * PATIENCE_S)
        if status == 200:
            return told
    return None
