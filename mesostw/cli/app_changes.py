"""``mesostw app create | update | scale | restart | rollback | kill | delete``."""

from __future__ import annotations

import argparse
from typing import Any, Final

from mesostw.cli.deployments import watched
from mesostw.cli.documents import read_document, value_of
from mesostw.cli.marathon import MarathonApi, app_path, changed, terms_of
from mesostw.cli.peer import ClusterError
from mesostw.cli.tables import note

#: Fields that are text, also where it looks like JSON.
TEXTS: Final = frozenset({"cmd", "user", "role", "executor", "killSelection"})


async def created(reactor: Any, options: argparse.Namespace) -> int:
    """Create an app, several, or a group."""
    api = MarathonApi(reactor, options)
    document = read_document(options.file)
    if isinstance(document, list):
        method, path = "PUT", "/v2/apps"
    elif isinstance(document, dict) and ("apps" in document or "groups" in document):
        method, path = "POST", "/v2/groups"
    else:
        method, path = "POST", "/v2/apps"
    return await _do(reactor, api, options, method, path, document)


async def updated(reactor: Any, options: argparse.Namespace) -> int:
    """Change the fields that are named, and no others."""
    api = MarathonApi(reactor, options)
    document: dict[str, Any] = dict(read_document(options.file)) if options.file else {}
    for text in options.fields:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ClusterError(f"{text!r}: give it as FIELD=VALUE")
        await _set(api, options.app, document, name, value)
    if not document:
        raise ClusterError("nothing to change; name fields as cpus=0.5, or a file with -f")
    return await _do(reactor, api, options, "PATCH", app_path(options.app), document)


async def _set(
    api: MarathonApi, app_id: str, document: dict[str, Any], name: str, value: str
) -> None:
    """Take one ``FIELD=VALUE``; ``env.NAME`` keeps the other variables."""
    table, dot, key = name.partition(".")
    if dot and table in {"env", "labels"}:
        if table not in document:
            app = (await api.get(app_path(app_id)))["app"]
            document[table] = dict(app.get(table, {}))
        document[table][key] = value
    else:
        document[name] = value if name in TEXTS else value_of(value)


async def scaled(reactor: Any, options: argparse.Namespace) -> int:
    """Wish another number of instances."""
    wished = options.instances
    if wished != "*" and not wished.isdigit():
        raise ClusterError(f"{wished!r} is no number of instances; give a whole number, or *")
    document = {"instances": wished if wished == "*" else int(wished)}
    api = MarathonApi(reactor, options)
    return await _do(reactor, api, options, "PATCH", app_path(options.app), document)


async def restarted(reactor: Any, options: argparse.Namespace) -> int:
    """Replace every instance by a new one."""
    api = MarathonApi(reactor, options)
    return await _do(reactor, api, options, "POST", app_path(options.app, "restart"))


async def rolled_back(reactor: Any, options: argparse.Namespace) -> int:
    """Go back to an earlier version."""
    api = MarathonApi(reactor, options)
    version = options.version
    if version is None:
        versions = (await api.get(app_path(options.app, "versions")))["versions"]
        if len(versions) < 2:
            raise ClusterError(f"{options.app} has no earlier version")
        version = sorted(versions)[-2]
    note(f"{options.app} goes back to {version}")
    document = {"version": version}
    return await _do(reactor, api, options, "PUT", app_path(options.app), document)


async def killed(reactor: Any, options: argparse.Namespace) -> int:
    """End instances."""
    api = MarathonApi(reactor, options)
    terms = terms_of(options)
    for name in ("scale", "wipe"):
        if getattr(options, name):
            terms[name] = "true"
    if options.tasks:
        answer = await api.ask("POST", "/v2/tasks/delete", terms, {"ids": options.tasks})
    else:
        if options.host:
            terms["host"] = options.host
        answer = await api.ask("DELETE", app_path(options.app, "tasks"), terms)
    if "deploymentId" in answer:
        return await watched(reactor, api, answer["deploymentId"], options)
    note(f"{len(answer['tasks'])} instances are being ended")
    return 0


async def deleted(reactor: Any, options: argparse.Namespace) -> int:
    """End an app and forget it."""
    api = MarathonApi(reactor, options)
    return await _do(reactor, api, options, "DELETE", app_path(options.app))


async def _do(
    reactor: Any,
    api: MarathonApi,
    options: argparse.Namespace,
    method: str,
    path: str,
    document: Any = None,
) -> int:
    deployment_id = await changed(api, method, path, terms_of(options), document)
    return await watched(reactor, api, deployment_id, options)
