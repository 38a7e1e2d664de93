"""Debian's Prometheus discovers the targets of an app by ``marathon_sd_configs``."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.local_parts import free_ports
from tests.functional.clusters import LocalCluster, wait_until

CONFIG = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: apps
    marathon_sd_configs:
      - servers: ["http://{marathon}"]
        refresh_interval: 1s
"""


class PrometheusTests(SynchronousTestCase):
    """Its service discovery reads ``/v2/apps/?embed=apps.tasks``."""

    if shutil.which("prometheus") is None:
        skip = "prometheus is not installed; script/bootstrap installs it"

    def test_targets(self) -> None:
        """Each instance of an app with a port is a target that can be scraped, until it ends."""
        cluster = LocalCluster(2)
        self.addCleanup(cluster.stop)
        document = {
            "id": "/watched",
            "instances": 2,
            "cpus": 0.1,
            "mem": 32,
            "cmd": 'echo up 1 > metrics && exec python3 -m http.server "$PORT0" --bind 127.0.0.1',
            "labels": {"team": "ops"},
            "portDefinitions": [{"port": 0, "name": "web", "labels": {"scrape": "yes"}}],
        }
        cluster.marathon_ask("POST", "/v2/apps", document)
        address = self.start(cluster)
        targets = wait_until("two healthy targets", lambda: self.targets(address, healthy=2))
        ports = {port for task in self.tasks(cluster) for port in task["ports"]}
        self.assertEqual(
            {int(one["scrapeUrl"].split(":")[2].split("/")[0]) for one in targets}, ports
        )
        labels = targets[0]["discoveredLabels"]
        self.assertEqual(labels["__meta_marathon_app"], "/watched")
        self.assertEqual(labels["__meta_marathon_app_label_team"], "ops")
        self.assertEqual(labels["__meta_marathon_port_definition_label_scrape"], "yes")
        cluster.marathon_ask("PUT", "/v2/apps/watched", {"instances": 1})
        wait_until("one target", lambda: len(self.targets(address)) == 1)

    def start(self, cluster: LocalCluster) -> str:
        """Prometheus in a directory of its own; its address."""
        directory = Path(tempfile.mkdtemp(prefix="mesostw-prometheus-"))
        self.addCleanup(shutil.rmtree, directory)
        (directory / "config.yml").write_text(CONFIG.format(marathon=cluster.marathon))
        address = f"127.0.0.1:{free_ports('127.0.0.1', 1)[0]}"
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={directory / 'config.yml'}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return address

    def targets(self, address: str, healthy: int | None = None) -> list[Any]:
        """Active targets; none until so many are healthy, if that is asked."""
        try:
            with urllib.request.urlopen(f"http://{address}/api/v1/targets", timeout=5) as answer:
                found: list[Any] = json.load(answer)["data"]["activeTargets"]
        except (urllib.error.URLError, ConnectionError):
            return []
        up = [one for one in found if one["health"] == "up"]
        return found if healthy is None or len(up) == healthy else []

    def tasks(self, cluster: LocalCluster) -> list[Any]:
        """The app's tasks as Marathon tells them."""
        tasks: list[Any] = cluster.get("/v2/apps/watched/tasks", cluster.marathon)["tasks"]
        return tasks
