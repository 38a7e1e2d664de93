import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { duration, number } from "../format";
import type { Row } from "../live/frames";
import { Age } from "../parts/bits";
import { hashOf } from "../router";
import { marathon, nowS } from "../state";
import { column, type TableSpec, topicOf } from "../table/columns";
import { Grid } from "../table/grid";
import { resetDelay, scale } from "./actions";
import { useMarathon, useTurns } from "../framework/asking";
import { MarathonFrame } from "./frame";
import { Buttons, Menu } from "../framework/menu";
import { type QueueEntry, waitingFor } from "./queue";

/** Reasons are measurements of offers, not state: they are asked for while somebody looks at them. */
const reasons = signal<ReadonlyMap<string, string>>(new Map());
const REASONS_EVERY_MS = 5_000;

function Because({ row }: { row: Row }) {
  const words = reasons.value.get(String(row.id));
  return <a href={hashOf(["apps", String(row.id)], { tab: "Why" })}>{words ?? "why?"}</a>;
}

function Delay({ row }: { row: Row }) {
  const left = Number(row.delay_until ?? 0) - nowS.value;
  return left > 0 ? <>{duration(left)}</> : <span class="muted">–</span>;
}

function actionsOf(row: Row) {
  const app = [...marathon.table("apps").rows.values()].find((each) => each.id === row.id);
  const delayed = Number(row.delay_until ?? 0) > nowS.peek();
  return [...(delayed ? [resetDelay(row)] : []), ...(app === undefined ? [] : [scale(app)])];
}

const QUEUE: TableSpec = {
  topic: "queue",
  noun: "waiting apps",
  source: () => topicOf(marathon, "queue"),
  sort: "since",
  example: "app:/shop count>2",
  empty: "Nothing waits: every instance that is wished for has been placed.",
  link: (row) => ["apps", String(row.id)],
  query: () => ({ tab: "Why" }),
  actions: (row) => <Buttons actions={actionsOf(row)} />,
  columns: [
    column("id", "App", "text", "minmax(16ch, 1fr)", { aliases: ["app"], narrow: true }),
    column("count", "Waiting", "number", "10ch", { cell: (row) => number(row.count) }),
    column("why", "Because of", "text", "minmax(18ch, 2fr)", { narrow: true, read: (row) => reasons.value.get(String(row.id)) ?? "", cell: (row) => <Because row={row} /> }),
    column("since", "Since", "age", "10ch", { cell: (row) => <Age at={row.since} /> }),
    column("delay_until", "Back-off left", "number", "14ch", { cell: (row) => <Delay row={row} /> }),
    column("role", "Role", "text", "10ch", { extra: true }),
    column("menu", "Do", "text", "6ch", { tableOnly: true, narrow: true, read: () => null, cell: (row) => <Menu label={`Actions on ${row.id}`} actions={() => actionsOf(row)} /> }),
  ],
};

export function QueuePage() {
  const turn = useTurns(REASONS_EVERY_MS);
  const { value } = useMarathon<{ queue: QueueEntry[] }>("v2/queue", turn);
  useEffect(() => {
    if (value !== null) reasons.value = new Map(value.queue.map((entry) => [entry.app?.id ?? "", waitingFor(entry)]));
  }, [value]);
  marathon.table("apps");
  return (
    <MarathonFrame here="queue">
      <h1>Queue</h1>
      <Grid key="queue" spec={QUEUE} />
    </MarathonFrame>
  );
}
