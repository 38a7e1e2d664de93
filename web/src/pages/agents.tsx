import { address } from "../live/browser";
import { number } from "../format";
import { agentName } from "../names";
import { column, type TableSpec } from "../table/columns";
import { ageColumn, memberState, shareColumn } from "./cells";
import { quoted } from "./tasks";

export const AGENTS: TableSpec = {
  topic: "agents",
  noun: "agents",
  sort: "hostname",
  example: "state:active host:n-0* cpu>8 rack:r3",
  empty: "No agents yet. Start one with: twistd mesos-agent",
  link: (row) => ["agents", String(row.id)],
  commands: (row) => [
    { label: "Its tasks", text: "mesostw tasks" },
    { label: "Its own state", text: `curl -s ${quoted(`http://${row.address}/state`)}` },
    { label: "All agents as JSON", text: `curl -s ${quoted(address("api/v1/snapshot/agents"))}` },
  ],
  facets: [
    { label: "Active", term: "state=active" },
    { label: "Unreachable", term: "state:unreachable" },
    { label: "Disconnected", term: "state:disconnected" },
  ],
  columns: [
    column("hostname", "Host", "text", "minmax(12ch, 1.5fr)", {
      aliases: ["host", "agent", "node"],
      narrow: true,
      read: (row) => agentName(row.id, row.hostname),
    }),
    memberState,
    column("tasks", "Tasks", "number", "9ch", { narrow: true, cell: (row) => number(row.tasks) }),
    shareColumn("cpus", "CPU"),
    shareColumn("mem", "Memory"),
    shareColumn("disk", "Disk"),
    shareColumn("gpus", "GPU", { extra: true }),
    column("attributes", "Attributes", "text", "minmax(10ch, 1.5fr)", { aliases: ["attribute", "label"] }),
    column("address", "Address", "text", "minmax(14ch, 1fr)"),
    column("ports", "Ports", "text", "minmax(10ch, 1fr)", { extra: true }),
    column("version", "Version", "text", "9ch", { extra: true }),
    column("id", "Id", "text", "minmax(14ch, 1fr)", { extra: true }),
    ageColumn("registered", "Known for", { width: "12ch" }),
    ageColumn("reregistered", "Back since", { extra: true }),
  ],
};
