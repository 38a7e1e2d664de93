"""``/v2/info``, ``/v2/leader`` and ``/v2/plugins``: what this Marathon is, and who leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mesostw.http.api.asking import Call, json_reply, quoted
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.marathon.parts import MarathonParts
from mesostw.http.rendering import Reply

#: How long after it was asked to abdicate a process ends, in seconds: its answer is read first.
ABDICATION_DELAY_S: Final = 0.5
#: What no flag of ours says, with the original's defaults; times in milliseconds.
_CONFIG: Final[Mapping[str, object]] = {
    "checkpoint": True,
    "executor": "//cmd",
    "failover_timeout": 604_800,
    "features": (),
    "framework_name": "marathon",
    "ha": True,
    "leader_proxy_connection_timeout_ms": 5_000,
    "leader_proxy_read_timeout_ms": 10_000,
    "maintenance_mode": True,
    "mesos_bridge_name": "mesos-bridge",
    "mesos_heartbeat_failure_threshold": 5,
    "mesos_heartbeat_interval": 15_000,
    "offer_matching_timeout": 3_000,
    "on_elected_prepare_timeout": 180_000,
    "store_cache": True,
    "task_lost_expunge_initial_delay": 300_000,
    "task_reservation_timeout": 20_000,
}
#: Everything that the object may have: a client breaks on any other key.
CONFIG_KEYS: Final = frozenset(
    {
        *_CONFIG,
        "access_control_allow_origin",
        "decline_offer_duration",
        "default_network_name",
        "env_vars_prefix",
        "hostname",
        "launch_token",
        "launch_token_refresh_interval",
        "local_port_max",
        "local_port_min",
        "master",
        "max_instances_per_offer",
        "mesos_leader_ui_url",
        "mesos_role",
        "mesos_user",
        "min_revive_offers_interval",
        "new_group_enforce_role",
        "reconciliation_initial_delay",
        "reconciliation_interval",
        "scale_apps_initial_delay",
        "scale_apps_interval",
        "task_launch_confirm_timeout",
        "task_launch_timeout",
        "task_lost_expunge_interval",
        "webui_url",
    }
)
_ZOOKEEPER: Final[Mapping[str, object]] = {
    "zk": "",
    "zk_compression": True,
    "zk_compression_threshold": 65_536,
    "zk_connection_timeout": 10_000,
    "zk_max_node_size": 1_024_000,
    "zk_max_versions": 50,
    "zk_session_timeout": 10_000,
    "zk_timeout": 10_000,
}


def marathon_config(parts: MarathonParts) -> dict[str, object]:
    """``marathon_config``: exactly the keys that clients know, absent ones left out."""
    flags = parts.flags
    shape = {
        **_CONFIG,
        "access_control_allow_origin": list(parts.allowed_origins) or None,
        "decline_offer_duration": _ms(flags.decline_offer_duration_s),
        "env_vars_prefix": flags.env_vars_prefix or None,
        "launch_token": flags.launch_tokens,
        "launch_token_refresh_interval": _ms(flags.launch_token_refresh_interval_s),
        "local_port_max": flags.local_port_max,
        "local_port_min": flags.local_port_min,
        "max_instances_per_offer": flags.max_instances_per_offer,
        "mesos_role": flags.mesos_role,
        "mesos_user": flags.mesos_user,
        "min_revive_offers_interval": _ms(flags.min_revive_offers_interval_s),
        "new_group_enforce_role": flags.new_group_enforce_role,
        "reconciliation_initial_delay": _ms(flags.reconciliation_initial_delay_s),
        "reconciliation_interval": _ms(flags.reconciliation_interval_s),
        "scale_apps_initial_delay": _ms(flags.scale_apps_initial_delay_s),
        "scale_apps_interval": _ms(flags.scale_apps_interval_s),
        "task_launch_confirm_timeout": _ms(flags.task_launch_confirm_timeout_s),
        "task_launch_timeout": _ms(flags.task_launch_timeout_s),
        "task_lost_expunge_interval": _ms(flags.task_lost_expunge_interval_s),
        **parts.identity.config,
    }
    return {
        key: value
        for key, value in sorted(shape.items())
        if key in CONFIG_KEYS and value is not None
    }


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


class InfoApi:
    """What does not change, or seldom."""

    def __init__(self, parts: MarathonParts) -> None:
        self._parts = parts

    @property
    def leader(self) -> str | None:
        """The leader's ``host:port``, this Marathon's own if it leads."""
        leader = self._parts.leader()
        return self._parts.identity.address if leader == "" else leader

    async def info(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``/v2/info``."""
        if words:
            raise ApiRefusal.no_route()
        identity, framework_id = self._parts.identity, self._parts.view.framework_id
        shape: dict[str, object] = {
            "name": identity.name,
            "version": identity.version,
            "buildref": "unknown",
            "elected": self._parts.leader() == "",
            "marathon_config": marathon_config(self._parts),
            "zookeeper_config": {
                **_ZOOKEEPER,
                "zk_max_versions": self._parts.flags.zk_max_versions,
                **identity.zookeeper,
            },
            "http_config": {"http_port": identity.port, "https_port": 0},
        }
        if self.leader is not None:
            shape["leader"] = self.leader
        if framework_id is not None:
            shape["frameworkId"] = framework_id
        return json_reply(shape)

    async def get_leader(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``GET /v2/leader``."""
        if words:
            raise ApiRefusal.no_route()
        if self.leader is None:
            raise ApiRefusal(404, "There is no leader")
        return json_reply({"leader": self.leader})

    async def delete_leader(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``DELETE /v2/leader``: give leadership up, and end shortly after."""
        if words:
            raise ApiRefusal.no_route()
        for name in ("backup", "restore"):
            if call.first(name):
                raise ApiRefusal(
                    501,
                    f"{name} is not supported: copy the store's file while Marathon is stopped.",
                )
        self._parts.clock.callLater(ABDICATION_DELAY_S, self._parts.abdicate)
        return json_reply({"message": "Leadership abdicated"})

    async def plugins(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``/v2/plugins``: there are none."""
        if words:
            raise ApiRefusal(404, f"No plugin with this pluginId: {quoted(words[0])}")
        if call.method != "GET":
            raise ApiRefusal.not_allowed("GET")
        return json_reply({"plugins": []})
