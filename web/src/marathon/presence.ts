import { computed, signal } from "@preact/signals";
import { standalone } from "../home";
import type { Row } from "../live/frames";
import { connectionTurn as masterTurn, follow, followMarathon, live, marathon } from "../state";

/** Whether there is a Marathon behind this page, and following it from the moment there is one. */

/** The name of the framework behind the master's door; empty where the door is switched off. */
export function doorName(): string {
  const { door } = follow("cluster").only ?? {};
  return typeof door === "string" ? door : "marathon";
}

/** The framework that the door leads to: the one of that name that is connected. */
export function doorFramework(frameworks: Iterable<Row>, name: string): Row | undefined {
  for (const row of frameworks) {
    if (name !== "" && row.name === name && row.state !== "disconnected" && row.state !== "completed" && row.webui_url) return row;
  }
  return undefined;
}

let started = standalone;
const connectionTurn = signal(0);

/** Opens the feed; once it is open it stays, through every loss. */
export function startMarathon(): void {
  if (started) return;
  started = true;
  marathon.listenConnection(() => {
    connectionTurn.value++;
  });
  followMarathon("marathon");
  marathon.start();
}

export type Presence =
  | { kind: "here" }
  /** The master has no such framework; without a name its door is switched off. */
  | { kind: "absent"; name: string }
  /** It is registered, but its feed is not open (any more). */
  | { kind: "lost"; dataAsOf: number | null }
  | { kind: "unknown" };

export const presence = computed((): Presence => {
  void connectionTurn.value;
  if (standalone) return { kind: "here" };
  const table = follow("frameworks");
  const { connection, dataAsOf } = marathon;
  const name = doorName();
  const open = started && !["connecting", "reconnecting", "stale"].includes(connection.kind);
  if (open) return { kind: "here" };
  if (table.loaded && doorFramework(table.rows.values(), name) === undefined) return { kind: "absent", name };
  // Without the master nobody reaches Marathon through it, and the page says that already.
  void masterTurn.value;
  const lost = connection.kind !== "connecting" && live.connection.kind !== "reconnecting";
  return started && lost ? { kind: "lost", dataAsOf } : { kind: "unknown" };
});

/** Follows Marathon as soon as the master knows one. */
export function watchForMarathon(): void {
  if (standalone) return;
  live.listen("frameworks", () => {
    if (doorFramework(live.table("frameworks").rows.values(), doorName()) !== undefined) startMarathon();
  });
}
