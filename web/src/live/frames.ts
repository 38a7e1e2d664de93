/** The words of `mesostw.live.v1`: what a snapshot and each frame of the socket look like. */

export const SUBPROTOCOL = "mesostw.live.v1";

/** One object as the pages see it: column name to value. Never changed in place. */
export type Row = Readonly<Record<string, unknown>>;

/** Column name to the words its small integers stand for. */
export type Enums = Readonly<Record<string, readonly string[]>>;

/** A whole topic by columns, as `GET api/v1/snapshot/<topic>` answers it. */
export interface Snapshot {
  readonly v: number;
  readonly epoch: string;
  readonly seq: number;
  readonly n: number;
  /** One integer per row; it names the row as long as the epoch lasts. */
  readonly h: readonly number[];
  readonly cols: Readonly<Record<string, readonly unknown[]>>;
  readonly enums?: Enums;
}

/** `{..}` merges columns, `0` deletes the row, `[1, row]` adds (or replaces) it. */
export type Op = 0 | readonly [1, Row] | Row;

export type ServerFrame =
  | { t: "welcome"; epoch: string; seq: number; now: number; flush?: number; version?: string }
  | { t: "ok"; id: number; enums?: Enums }
  | { t: "d"; k: string; q: readonly [number, number]; c: readonly (readonly [number, Op])[] }
  | { t: "m"; seq: number; now: number; lag?: number }
  | { t: "reset"; id: number; why: string }
  | { t: "bye"; why: string; url?: string; retry?: readonly [number, number] };

export type ClientFrame =
  | { t: "hello"; v: 1; client: string }
  | { t: "sub"; id: number; topic: string; set: "list"; since: readonly [string, number] }
  | { t: "vis"; hidden: boolean };

/** Reads a frame; `null` for anything that is not one (unknown frames are ignored by the rules). */
export function readFrame(text: string): ServerFrame | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || !("t" in value)) return null;
  return value as ServerFrame;
}
