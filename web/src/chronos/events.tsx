import { clock, moment } from "../format";
import { hashOf } from "../router";
import { chronos } from "../state";
import { column, type TableSpec, topicOf } from "../table/columns";
import { Grid } from "../table/grid";
import { ChronosFrame } from "./frame";
import "../framework/style.css";
import "./style.css";

export const JEVENTS: TableSpec = {
  topic: "jevents",
  noun: "events",
  source: () => topicOf(chronos, "jevents"),
  sort: "-at",
  example: "kind:failed job:report* at<10m",
  empty: "Nothing has happened since this Chronos started.",
  facets: [{ label: "Failures", term: "kind:failed" }, { label: "Skipped", term: "kind:skipped" }, { label: "Changes", term: "kind:job" }, { label: "Notices", term: "kind:notice" }],
  columns: [
    column("at", "Time", "age", "10ch", { right: false, narrow: true, cell: (row) => <time title={moment(row.at)}>{typeof row.at === "number" ? clock(row.at * 1000) : "–"}</time> }),
    column("kind", "Kind", "text", "minmax(14ch, 20ch)", { read: (row) => String(row.kind).replaceAll("_", " ") }),
    column("job", "Job", "text", "minmax(12ch, 1fr)", { narrow: true, cell: (row) => (typeof row.job === "string" ? <a href={hashOf(["jobs", row.job])}>{row.job}</a> : "–") }),
    column("text", "What happened", "text", "minmax(24ch, 3fr)", { narrow: true }),
    column("run", "Run", "text", "20ch", { extra: true }),
  ],
};

export function ChronosEventsPage() {
  return (
    <ChronosFrame here="jevents">
      <h1>Chronos’ events</h1>
      <Grid key="jevents" spec={JEVENTS} />
    </ChronosFrame>
  );
}
