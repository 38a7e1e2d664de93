import { clock, moment } from "../format";
import type { Row } from "../live/frames";
import { column, type TableSpec } from "../table/columns";
import { hashOf } from "../router";

/** An event's object is an address such as `tasks/<framework>/<id>`; anything else stays text. */
export function objectLink(row: Row, text?: string) {
  const parts = String(row.object ?? "").split("/");
  const known = ["tasks", "agents", "frameworks"].includes(parts[0] as string) && parts.length > 1;
  if (!known) return text ?? String(row.object ?? "");
  return <a href={hashOf(parts)}>{text ?? parts.at(-1)}</a>;
}

export const EVENTS: TableSpec = {
  topic: "events",
  noun: "events",
  sort: "-at",
  example: "kind:failed at<10m web.api",
  empty: "Nothing has happened yet.",
  columns: [
    column("at", "Time", "age", "10ch", {
      right: false,
      narrow: true,
      cell: (row) => <time title={moment(row.at)}>{typeof row.at === "number" ? clock(row.at * 1000) : "–"}</time>,
    }),
    column("kind", "Kind", "text", "minmax(8ch, 16ch)", { narrow: true }),
    column("text", "What happened", "text", "minmax(20ch, 3fr)", { narrow: true }),
    column("object", "Object", "text", "minmax(14ch, 1.5fr)", { cell: objectLink }),
  ],
};
