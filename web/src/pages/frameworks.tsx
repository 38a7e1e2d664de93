import { number } from "../format";
import { address } from "../live/browser";
import { column, type TableSpec } from "../table/columns";
import { ageColumn, memberState, sizeColumn } from "./cells";
import { quoted } from "./tasks";

export const FRAMEWORKS: TableSpec = {
  topic: "frameworks",
  noun: "frameworks",
  sort: "name",
  example: "state:active name:mara* tasks>10",
  empty: "No frameworks yet. A first one: mesostw run echo hello",
  link: (row) => ["frameworks", String(row.id)],
  commands: () => [
    { label: "All frameworks", text: "mesostw frameworks" },
    { label: "The same as JSON", text: `curl -s ${quoted(address("api/v1/snapshot/frameworks"))}` },
  ],
  facets: [
    { label: "Active", term: "state=active" },
    { label: "Completed", term: "state:completed" },
  ],
  columns: [
    column("name", "Name", "text", "minmax(12ch, 1.5fr)", { aliases: ["framework"], narrow: true }),
    memberState,
    column("tasks", "Tasks", "number", "9ch", { narrow: true, cell: (row) => number(row.tasks) }),
    column("offers", "Offers", "number", "9ch"),
    column("cpus", "CPU", "number", "9ch", { aliases: ["cpu"], cell: (row) => number(row.cpus) }),
    sizeColumn("mem", "Memory"),
    sizeColumn("disk", "Disk", { extra: true }),
    column("gpus", "GPU", "number", "6ch", { extra: true }),
    column("roles", "Roles", "text", "minmax(8ch, 1fr)", { aliases: ["role"] }),
    column("user", "User", "text", "minmax(6ch, 8ch)"),
    column("principal", "Principal", "text", "minmax(8ch, 1fr)", { extra: true }),
    column("hostname", "Host", "text", "minmax(9ch, 1fr)", { aliases: ["host"] }),
    column("connection", "By", "text", "6ch"),
    column("webui_url", "Web page", "text", "minmax(9ch, 1fr)", { extra: true, cell: (row) => webPage(row.webui_url) }),
    column("id", "Id", "text", "minmax(14ch, 1fr)", { extra: true }),
    ageColumn("registered", "Known for", { width: "12ch" }),
    ageColumn("reregistered", "Back since", { extra: true }),
    ageColumn("unregistered", "Ended", { extra: true }),
  ],
};

/** A framework names this address itself: only plain web addresses become links. */
export function webPage(url: unknown) {
  if (typeof url !== "string" || !/^https?:\/\//.test(url)) return url ? String(url) : <span class="muted">–</span>;
  return <a href={url} rel="noreferrer noopener" target="_blank">{url}</a>;
}
