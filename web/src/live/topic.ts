import type { ClientFrame, ServerFrame, Snapshot } from "./frames";
import { Table } from "./table";

/** What a topic has to be told. `connected` follows the server's welcome. */
export type Stimulus =
  | { kind: "connected" }
  | { kind: "disconnected" }
  | { kind: "snapshot"; snapshot: Snapshot }
  | { kind: "snapshot-failed" }
  | { kind: "frame"; frame: ServerFrame };

/** What a topic wants done. */
export type Effect =
  | { kind: "fetch"; delayMs: number }
  | { kind: "send"; frame: ClientFrame }
  /** The table changed by this many rows; `again` when a new snapshot took an older one's place. */
  | { kind: "changed"; rows: number; again: boolean };

/**
 * - `cold`: nothing asked yet
 * - `loading`: a snapshot is on its way
 * - `held`: a table stands, no subscription
 * - `joining`: subscribed, waiting for `ok`; frames before it belong to an older subscription
 * - `live`: each frame follows the last
 */
export type Phase = "cold" | "loading" | "held" | "joining" | "live";

const FETCH_DELAY_MS_MIN = 250;
const FETCH_DELAY_MS_MAX = 8_000;

/**
 * One subscription as a deterministic machine: no sockets, no clock. Whatever is lost, repeated,
 * or cut in between, the table ends equal to the server's, or a new snapshot is asked for.
 */
export class Topic {
  readonly table = new Table();
  phase: Phase = "cold";
  private connected = false;
  private epoch = "";
  /** All changes up to this number are in the table. */
  private last = 0;
  /** Snapshots refused or failed in a row: the next one waits longer. */
  private misses = 0;

  constructor(
    readonly name: string,
    readonly id: number,
  ) {}

  hear(stimulus: Stimulus): Effect[] {
    switch (stimulus.kind) {
      case "connected":
        this.connected = true;
        if (this.phase === "held") return this.subscribe();
        return this.phase === "cold" ? this.fetch() : [];
      case "disconnected":
        this.connected = false;
        if (this.phase === "live" || this.phase === "joining") this.phase = "held";
        return [];
      case "snapshot":
        return this.phase === "loading" ? this.load(stimulus.snapshot) : [];
      case "snapshot-failed":
        return this.phase === "loading" ? this.fetch() : [];
      case "frame":
        return this.hearFrame(stimulus.frame);
    }
  }

  /** Asks for the first snapshot without waiting for the socket. */
  start(): Effect[] {
    return this.phase === "cold" ? this.fetch() : [];
  }

  private hearFrame(frame: ServerFrame): Effect[] {
    if (frame.t === "ok" && frame.id === this.id && this.phase === "joining") {
      if (frame.enums !== undefined) this.table.setEnums(frame.enums);
      this.phase = "live";
      this.misses = 0;
    } else if (frame.t === "reset" && frame.id === this.id) {
      if (this.phase === "live" || this.phase === "joining") return this.fetch();
    } else if (frame.t === "m" && this.phase === "live") {
      this.last = Math.max(this.last, frame.seq);
    } else if (frame.t === "d" && frame.k === this.name && this.phase === "live") {
      return this.advance(frame);
    }
    return [];
  }

  private advance(frame: ServerFrame & { t: "d" }): Effect[] {
    const [first, last] = frame.q;
    if (last <= this.last) return [];
    if (first > this.last + 1) return this.subscribe();
    // A frame that overlaps what is known is safe: its operations carry values, not differences.
    if (!this.table.apply(frame.c)) return this.fetch();
    this.last = last;
    return [{ kind: "changed", rows: frame.c.length, again: false }];
  }

  private load(snapshot: Snapshot): Effect[] {
    const again = this.table.loaded;
    this.table.load(snapshot);
    this.epoch = snapshot.epoch;
    this.last = snapshot.seq;
    const changed: Effect = { kind: "changed", rows: snapshot.n, again };
    this.phase = "held";
    return this.connected ? [changed, ...this.subscribe()] : [changed];
  }

  private subscribe(): Effect[] {
    this.phase = "joining";
    const since = [this.epoch, this.last] as const;
    return [
      { kind: "send", frame: { t: "sub", id: this.id, topic: this.name, set: "list", since } },
    ];
  }

  private fetch(): Effect[] {
    this.phase = "loading";
    const misses = this.misses++;
    const delayMs = misses === 0 ? 0 : FETCH_DELAY_MS_MIN * 2 ** Math.min(misses - 1, 8);
    return [{ kind: "fetch", delayMs: Math.min(delayMs, FETCH_DELAY_MS_MAX) }];
  }
}
