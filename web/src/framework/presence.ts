import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { type Framework, home, standalone } from "../home";
import type { LiveClient } from "../live/client";
import type { Row } from "../live/frames";
import { connectionTurn as masterTurn, follow, live } from "../state";

/** Whether there is a framework behind this page, and following it from the moment there is one. */

/** The framework that a door leads to: the one of that name that is connected. */
export function doorFramework(frameworks: Iterable<Row>, name: string): Row | undefined {
  for (const row of frameworks) {
    if (name !== "" && row.name === name && row.state !== "disconnected" && row.state !== "completed" && row.webui_url) return row;
  }
  return undefined;
}

/** Whether one of that name is only away for a while: the master keeps its tasks and expects it back. */
export function isAway(frameworks: Iterable<Row>, name: string): boolean {
  for (const row of frameworks) if (name !== "" && row.name === name && row.state === "disconnected") return true;
  return false;
}

export type Presence =
  | { kind: "here" }
  /** The master has no such framework; without a name its door is switched off. */
  | { kind: "absent"; name: string }
  /** It is registered, but its feed is not open (any more). */
  | { kind: "lost"; dataAsOf: number | null }
  | { kind: "unknown" };

export interface Watched {
  readonly presence: ReadonlySignal<Presence>;
  /** Opens the feed; once it is open it stays, through every loss. */
  start(): void;
  /** Follows the framework as soon as the master knows one. */
  watch(): void;
}

/** `door` is the column of the master's row that names the framework behind its door. */
export function watched(framework: Framework, client: LiveClient, door: string): Watched {
  let started = standalone;
  const connectionTurn = signal(0);
  const doorName = (): string => {
    const name = follow("cluster").only?.[door];
    return typeof name === "string" ? name : framework;
  };
  const start = (): void => {
    if (started) return;
    started = true;
    client.listenConnection(() => {
      connectionTurn.value++;
    });
    client.table(framework);
    client.start();
  };
  const presence = computed((): Presence => {
    void connectionTurn.value;
    if (standalone) return home === framework ? { kind: "here" } : { kind: "absent", name: framework };
    const table = follow("frameworks");
    const { connection, dataAsOf } = client;
    const name = doorName();
    const open = started && !["connecting", "reconnecting", "stale"].includes(connection.kind);
    if (open) return { kind: "here" };
    // Who has seen its pages keeps them while it is away: it starts again, or another takes over.
    const expected = dataAsOf !== null && isAway(table.rows.values(), name);
    if (table.loaded && !expected && doorFramework(table.rows.values(), name) === undefined) return { kind: "absent", name };
    // Without the master nobody reaches a framework through it, and the page says that already.
    void masterTurn.value;
    const lost = connection.kind !== "connecting" && live.connection.kind !== "reconnecting";
    return started && lost ? { kind: "lost", dataAsOf } : { kind: "unknown" };
  });
  const watch = (): void => {
    if (standalone) return;
    live.listen("frameworks", () => {
      if (doorFramework(live.table("frameworks").rows.values(), doorName()) !== undefined) start();
    });
  };
  return { presence, start, watch };
}
