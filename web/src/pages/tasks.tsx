import type { Row } from "../live/frames";
import { address } from "../live/browser";
import type { Command } from "../parts/bits";
import { agentName, frameworkName } from "../names";
import { column, type TableSpec } from "../table/columns";
import { ageColumn, agentLink, frameworkLink, Id, sizeColumn, taskState } from "./cells";

/** A word for a shell, quoted when it needs to be. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function taskAddress(row: Row): string {
  return `api/v1/tasks/${encodeURIComponent(String(row.framework_id))}/${encodeURIComponent(String(row.id))}`;
}

export function taskCommands(row: Row): Command[] {
  const id = quoted(String(row.id));
  const commands = [
    { label: "Follow its output", text: `mesostw logs -f ${id}` },
    { label: "Ask why", text: `mesostw why ${id}` },
    { label: "The same as JSON", text: `curl -s ${quoted(address(taskAddress(row)))}` },
  ];
  if (row.active) commands.splice(1, 0, { label: "Kill it", text: `mesostw kill ${id}` });
  return commands;
}

export const TASKS: TableSpec = {
  topic: "tasks",
  noun: "tasks",
  sort: "-updated",
  example: 'state:running agent:n-0* cpu>1 -role:dev "text"',
  empty: "No tasks yet. Start one with: mesostw run echo hello",
  link: (row) => ["tasks", String(row.framework_id), String(row.id)],
  commands: taskCommands,
  facets: [
    { label: "Running", term: "state:running" },
    { label: "Failed", term: "state:failed" },
    { label: "Staging", term: "state:staging" },
    { label: "Unhealthy", term: "state:unhealthy" },
  ],
  columns: [
    column("id", "Task", "text", "minmax(20ch, 2fr)", { narrow: true, cell: (row) => <Id text={String(row.id)} /> }),
    column("name", "Name", "text", "minmax(8ch, 1fr)", { extra: true }),
    taskState,
    column("framework_id", "Framework", "text", "minmax(14ch, 1fr)", {
      aliases: ["framework", "fw"],
      read: (row) => `${frameworkName(row.framework_id)} ${row.framework_id}`,
      cell: frameworkLink,
    }),
    column("hostname", "Agent", "text", "minmax(11ch, 1fr)", {
      aliases: ["agent", "node", "host"],
      read: (row) => agentName(row.agent_id, row.hostname),
      cell: agentLink,
    }),
    column("agent_id", "Agent id", "text", "minmax(12ch, 1fr)", { extra: true }),
    column("role", "Role", "text", "8ch", { extra: true }),
    column("user", "User", "text", "8ch", { extra: true }),
    column("cpus", "CPU", "number", "7ch", { aliases: ["cpu"] }),
    sizeColumn("mem", "Memory"),
    sizeColumn("disk", "Disk", { extra: true }),
    column("gpus", "GPU", "number", "6ch", { aliases: ["gpu"], extra: true }),
    ageColumn("started", "Started"),
    ageColumn("updated", "Updated", { aliases: ["since"], narrow: true }),
    ageColumn("ended", "Ended", { extra: true }),
    column("reason", "Reason", "text", "minmax(10ch, 1.5fr)", {
      read: (row) => row.message || String(row.reason ?? "").replace(/^REASON_/, "").toLowerCase().replaceAll("_", " "),
    }),
    column("command", "Command", "text", "minmax(12ch, 2fr)", { extra: true, cell: (row) => <code>{String(row.command ?? "")}</code> }),
    column("container_id", "Container", "text", "minmax(10ch, 1fr)", { extra: true }),
  ],
};
