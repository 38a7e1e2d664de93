import { agentName, frameworkName } from "../names";
import { column, type TableSpec } from "../table/columns";
import { ageColumn, agentLink, frameworkLink, Id, sizeColumn } from "./cells";

export const OFFERS: TableSpec = {
  topic: "offers",
  noun: "offers",
  sort: "made",
  example: "framework:marathon cpu>4 made>1m",
  empty: "No offers are outstanding: all that is free is held back by filters, or nobody wants it.",
  columns: [
    column("id", "Offer", "text", "minmax(16ch, 1.5fr)", { narrow: true, cell: (row) => <Id text={String(row.id)} /> }),
    column("framework_id", "Framework", "text", "minmax(9ch, 1fr)", {
      aliases: ["framework", "fw"],
      narrow: true,
      read: (row) => `${frameworkName(row.framework_id)} ${row.framework_id}`,
      cell: frameworkLink,
    }),
    column("hostname", "Agent", "text", "minmax(9ch, 1fr)", {
      aliases: ["agent", "host", "node"],
      read: (row) => agentName(row.agent_id, row.hostname),
      cell: agentLink,
    }),
    column("role", "Role", "text", "minmax(6ch, 1fr)"),
    column("cpus", "CPU", "number", "7ch", { aliases: ["cpu"] }),
    sizeColumn("mem", "Memory"),
    sizeColumn("disk", "Disk"),
    column("gpus", "GPU", "number", "6ch", { aliases: ["gpu"] }),
    column("ports", "Ports", "text", "minmax(12ch, 1fr)"),
    ageColumn("made", "Age", { narrow: true, aliases: ["age"] }),
  ],
};
