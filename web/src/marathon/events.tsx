import { clock, moment } from "../format";
import type { Row } from "../live/frames";
import { hashOf } from "../router";
import { marathon } from "../state";
import { column, type TableSpec, topicOf } from "../table/columns";
import { Grid } from "../table/grid";
import { MarathonFrame } from "./frame";

function kindWord(kind: unknown): string {
  return String(kind).replace(/_event$/, "").replaceAll("_", " ");
}

function Objects({ row }: { row: Row }) {
  const apps = (row.apps ?? []) as readonly string[];
  return <>{apps.slice(0, 3).map((id, at) => <span key={id}>{at > 0 && ", "}<a href={hashOf(["apps", id])}>{id}</a></span>)}{apps.length > 3 && ` and ${apps.length - 3} more`}</>;
}

export const MEVENTS: TableSpec = {
  topic: "mevents",
  noun: "events",
  source: () => topicOf(marathon, "mevents"),
  sort: "-at",
  example: "kind:deployment app:/shop at<10m",
  empty: "Nothing has happened since this Marathon started.",
  facets: [{ label: "Deployments", term: "kind:deployment" }, { label: "Ends", term: "kind:ended" }, { label: "Health", term: "kind:health" }],
  columns: [
    column("at", "Time", "age", "10ch", { right: false, narrow: true, cell: (row) => <time title={moment(row.at)}>{typeof row.at === "number" ? clock(row.at * 1000) : "–"}</time> }),
    column("kind", "Kind", "text", "minmax(16ch, 22ch)", { read: (row) => kindWord(row.kind) }),
    column("apps", "Apps", "text", "minmax(12ch, 1fr)", { aliases: ["app"], read: (row) => ((row.apps ?? []) as readonly string[]).join("\n"), cell: (row) => <Objects row={row} /> }),
    column("text", "What happened", "text", "minmax(24ch, 3fr)", { narrow: true }),
  ],
};

export function MarathonEventsPage() {
  return (
    <MarathonFrame here="mevents">
      <h1>Marathon’s events</h1>
      <Grid key="mevents" spec={MEVENTS} />
    </MarathonFrame>
  );
}
