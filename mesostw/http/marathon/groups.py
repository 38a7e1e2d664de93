"""``/v2/groups``: reading the tree of groups, and its versions."""

from __future__ import annotations

from collections.abc import Callable

from mesostw.core.marathon.state import MarathonState
from mesostw.http.building import Build
from mesostw.http.marathon.app_shapes import IN_LISTS, AppShapes
from mesostw.http.marathon.apps import path_of
from mesostw.http.marathon.asking import Call, encode, json_reply, stamp
from mesostw.http.marathon.bodies import Bodies
from mesostw.http.marathon.embeds import GroupEmbed, app_embed, group_embed
from mesostw.http.marathon.refusals import ApiRefusal
from mesostw.http.marathon.trees import Tree, apps_below, check_group, touched_below
from mesostw.http.rendering import Reply
from mesostw.http.shapes import joined
from mesostw.model.apps import ROOT, GroupId, Stamp


class GroupsApi:
    """Reading groups."""

    def __init__(
        self, view: Callable[[], MarathonState], shapes: AppShapes, bodies: Bodies
    ) -> None:
        self._view, self._shapes, self._bodies = view, shapes, bodies

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """
        Answer a GET.

        :param words: of the path behind ``/v2/groups``.
        """
        match words:
            case (*group, "versions"):
                return self._versions(GroupId(path_of(group)))
            case (*group, "versions", version):
                return await self._version(call, GroupId(path_of(group)), stamp(version))
            case (*group, "apps"):
                return await self._apps(call, GroupId(path_of(group)))
            case _:
                return await self._one(call, GroupId(path_of(words)))

    async def _one(self, call: Call, group_id: GroupId) -> Reply:
        check_group(self._view(), group_id)
        embed = group_embed(call.all_of("embed"), extensions=call.extensions)

        def build() -> Build:
            tree = Tree.now(self._view())
            yield
            return (yield from self._group(tree, group_id, embed))

        name = f"group {group_id} {sorted(embed.parts)} {sorted(embed.app.parts)} "
        return await self._bodies.kept(
            f"{name}{embed.app.extensions}", build, aging=embed.app.has("taskStats")
        )

    async def _apps(self, call: Call, group_id: GroupId) -> Reply:
        check_group(self._view(), group_id)
        chosen = apps_below(self._view(), group_id)
        embed = app_embed(call.all_of("embed"), IN_LISTS, extensions=call.extensions)
        return await self._bodies.once(lambda: self._shapes.infos(chosen, embed))

    # --- versions -------------------------------------------------------------------

    def _versions(self, group_id: GroupId) -> Reply:
        check_group(self._view(), group_id)
        return json_reply(sorted(self._known(group_id), reverse=True))

    def _known(self, group_id: GroupId) -> set[Stamp]:
        view = self._view()
        known = touched_below(view).get(group_id, set()) | {Tree.now(view).version(group_id)}
        return {one for one in known if one}

    async def _version(self, call: Call, group_id: GroupId, version: Stamp) -> Reply:
        check_group(self._view(), group_id)
        tree = Tree.at(self._view(), version)
        if version not in self._known(group_id) or group_id not in tree:
            raise ApiRefusal.no_group(group_id, version)
        embed = group_embed((), extensions=call.extensions)
        return await self._bodies.once(lambda: self._group(tree, group_id, embed))

    # --- one group --------------------------------------------------------------------

    def _group(self, tree: Tree, group_id: GroupId, embed: GroupEmbed) -> Build:
        record = tree.groups.get(group_id)
        shape: dict[str, object] = {
            "id": group_id,
            "dependencies": () if record is None else record.dependencies,
            "version": tree.version(group_id),
        }
        if record is not None and record.enforce_role is not None and group_id != ROOT:
            shape["enforceRole"] = record.enforce_role
        if embed.has("pods"):
            shape["pods"] = ()
        parts = [encode(shape)[:-1]]
        if embed.has("apps"):
            infos = yield from self._shapes.infos(tree.apps.get(group_id, ()), embed.app)
            parts.append(b',"apps":' + infos)
        if embed.has("groups"):
            texts = []
            for child in tree.children[group_id]:
                text = yield from self._group(tree, child, embed)
                texts.append(text)
                yield
            parts.append(b',"groups":' + joined(texts))
        return b"".join(parts) + b"}"
