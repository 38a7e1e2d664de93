"""``/v2/apps``: reading apps, their tasks and their versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from mesostw.core.marathon import history, tree
from mesostw.core.marathon.state import MarathonState
from mesostw.http.api.asking import Call, json_reply
from mesostw.http.api.bodies import Bodies
from mesostw.http.building import Build
from mesostw.http.marathon.app_shapes import IN_LISTS, IN_SINGLES, AppShapes
from mesostw.http.marathon.asking import stamp
from mesostw.http.marathon.embeds import AppEmbed, app_embed
from mesostw.http.marathon.refusals import MarathonRefusal
from mesostw.http.marathon.selectors import selector_of
from mesostw.http.marathon.task_shapes import is_running, table
from mesostw.http.rendering import JSON, TEXT, Reply
from mesostw.model.apps import App, AppId, GroupId

#: In place of an app's last word: every app below.
EVERY: Final = "*"


def path_of(words: Iterable[str]) -> AppId:
    """Words of a path as the id of an app or group."""
    return AppId("/" + "/".join(words))


def check_group(view: MarathonState, group_id: GroupId) -> None:
    """
    Pass if there is such a group.

    :raises ApiRefusal: 404.
    """
    if not tree.has_group(view.apps, view.groups, group_id):
        raise MarathonRefusal.no_group(group_id)


def apps_below(view: MarathonState, group_id: GroupId) -> list[App]:
    """
    Every app somewhere in a group.

    :raises ApiRefusal: 404, there is no such group.
    """
    check_group(view, group_id)
    return list(tree.apps_below(view.apps, group_id))


def wants_table(call: Call) -> bool:
    """Whether a client wants tasks as text, as the first releases wrote them."""
    return call.accepts("text/plain") and not call.accepts(JSON)


class AppsApi:
    """Reading apps."""

    def __init__(
        self, view: Callable[[], MarathonState], shapes: AppShapes, bodies: Bodies
    ) -> None:
        self._view, self._shapes, self._bodies = view, shapes, bodies

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """
        Answer a GET.

        :param words: of the path behind ``/v2/apps``.
        """
        match words:
            case ():
                return await self._all(call)
            case (_, *_, "tasks"):
                return await self._tasks(call, self._meant(words[:-1]))
            case (_, *_, "versions"):
                return self._versions(path_of(words[:-1]))
            case (_, *_, "versions", version):
                return self._version(call, path_of(words[:-2]), version)
            case (*_, "*"):
                return await self._below(call, words)
            case _:
                return await self._one(call, self.found(words))

    def found(self, words: tuple[str, ...]) -> App:
        """
        The app that a path names.

        :raises ApiRefusal: 404.
        """
        app_id = path_of(words)
        app = self._view().apps.get(app_id)
        if app is None:
            raise MarathonRefusal.no_app(app_id)
        return app

    # --- lists ------------------------------------------------------------------

    async def _all(self, call: Call) -> Reply:
        embed = app_embed(call.all_of("embed"), IN_LISTS, extensions=call.extensions)
        filters = self._filters(call)
        if filters:
            chosen = [app for app in self._view().apps.values() if all(f(app) for f in filters)]
            return await self._bodies.once(lambda: self._list(b"apps", chosen, embed))
        name = f"apps {sorted(embed.parts)} {embed.extensions}"
        return await self._bodies.kept(
            name,
            lambda: self._list(b"apps", tuple(self._view().apps.values()), embed),
            aging=embed.has("taskStats"),
        )

    @staticmethod
    def _filters(call: Call) -> list[Callable[[App], bool]]:
        filters: list[Callable[[App], bool]] = []
        cmd, app_id, label = (call.first(name).lower() for name in ("cmd", "id", "label"))
        if cmd:
            filters.append(lambda app: cmd in (app.spec.cmd or "").lower())
        if app_id:
            filters.append(lambda app: app_id in app.id)
        if label:
            selector = selector_of(call.first("label"))
            filters.append(lambda app: selector.matches(app.spec.labels))
        return filters

    def _list(self, key: bytes, apps: Iterable[App], embed: AppEmbed) -> Build:
        infos = yield from self._shapes.infos(apps, embed)
        return b'{"%b":%b}' % (key, infos)

    async def _below(self, call: Call, words: tuple[str, ...]) -> Reply:
        chosen = self._meant(words)
        embed = app_embed(call.all_of("embed"), IN_SINGLES, extensions=call.extensions)
        return await self._bodies.once(lambda: self._list(b"*", chosen, embed))

    async def _one(self, call: Call, app: App) -> Reply:
        embed = app_embed(call.all_of("embed"), IN_SINGLES, extensions=call.extensions)

        def build() -> Build:
            text = yield from self._shapes.info(app, embed)
            return b'{"app":%b}' % text

        return await self._bodies.once(build)

    # --- tasks ------------------------------------------------------------------

    def _meant(self, words: tuple[str, ...]) -> list[App]:
        """The app that a path names, or all in the group before a ``*``."""
        if words[-1] != EVERY:
            return [self.found(words)]
        return apps_below(self._view(), GroupId(path_of(words[:-1])))

    async def _tasks(self, call: Call, apps: list[App]) -> Reply:
        if wants_table(call):
            return self._table(apps)
        return await self._bodies.once(lambda: self._task_list(apps))

    def _task_list(self, apps: Iterable[App]) -> Build:
        texts = []
        for app in apps:
            text = yield from self._shapes.task_list(app)
            if len(text) > len(b"[]"):
                texts.append(text[1:-1])
        return b'{"tasks":[%b]}' % b",".join(texts)

    def _table(self, apps: Iterable[App]) -> Reply:
        view = self._view()
        rows = {
            app.id: (app.spec, [one for one in view.of_app(app.id).values() if is_running(one)])
            for app in apps
        }
        return Reply(table(rows.values()), TEXT)

    # --- versions -----------------------------------------------------------------

    def _versions(self, app_id: AppId) -> Reply:
        view = self._view()
        if app_id not in view.apps:
            raise MarathonRefusal.no_app(app_id)
        # Newest first: there are clients that cut the list.
        return json_reply({"versions": history.app_versions(view, app_id)})

    def _version(self, call: Call, app_id: AppId, text: str) -> Reply:
        version, view = stamp(text), self._view()
        app = history.app_at(view, app_id, version)
        if app is None or app_id not in view.apps:
            raise MarathonRefusal.no_app(app_id, version)
        return Reply(self._shapes.document(app, extensions=call.extensions), JSON)
