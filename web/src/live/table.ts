import type { Enums, Op, Row, Snapshot } from "./frames";

/** Which rows differ since the last notice: all of them after a snapshot, else these handles. */
export interface Changes {
  readonly all: boolean;
  readonly handles: ReadonlySet<number>;
}

/** Rows by handle, whoever keeps them: what a view shows. */
export interface Rows {
  readonly rows: ReadonlyMap<number, Row>;
  /** False until they are known: empty is then "not known yet", not "none". */
  readonly loaded: boolean;
}

/**
 * The rows of one topic by handle. Rows are replaced, never changed in place, so a view that still
 * holds the old object can tell by identity that nothing happened to it.
 */
export class Table implements Rows {
  readonly rows = new Map<number, Row>();
  /** False until the first snapshot: an empty table is then "not known yet", not "none". */
  loaded = false;
  private enums: Enums = {};
  private changed = new Set<number>();
  private changedAll = false;

  load(snapshot: Snapshot): void {
    this.enums = snapshot.enums ?? {};
    this.rows.clear();
    const names = Object.keys(snapshot.cols);
    const columns = names.map((name) => this.decodedColumn(name, snapshot.cols[name] ?? []));
    for (let index = 0; index < snapshot.h.length; index++) {
      const row: Record<string, unknown> = {};
      for (let column = 0; column < names.length; column++) {
        row[names[column] as string] = columns[column]?.[index];
      }
      this.rows.set(snapshot.h[index] as number, row);
    }
    this.loaded = true;
    this.changedAll = true;
    this.changed.clear();
  }

  setEnums(enums: Enums): void {
    this.enums = { ...this.enums, ...enums };
  }

  /** Applies the operations in order. False when one names a row that is not here. */
  apply(operations: readonly (readonly [number, Op])[]): boolean {
    for (const [handle, op] of operations) {
      if (op === 0) this.rows.delete(handle);
      else if (Array.isArray(op)) this.rows.set(handle, this.decoded(op[1] as Row));
      else {
        const row = this.rows.get(handle);
        if (row === undefined) return false;
        this.rows.set(handle, { ...row, ...this.decoded(op as Row) });
      }
      if (!this.changedAll) this.changed.add(handle);
    }
    return true;
  }

  /** What changed since the last call; asking clears it. */
  takeChanges(): Changes {
    const changes = { all: this.changedAll, handles: this.changed };
    this.changed = new Set();
    this.changedAll = false;
    return changes;
  }

  /** The only row of a one-row topic such as `cluster`. */
  get only(): Row | undefined {
    for (const row of this.rows.values()) return row;
    return undefined;
  }

  private decodedColumn(name: string, values: readonly unknown[]): readonly unknown[] {
    const words = this.enums[name];
    return words === undefined ? values : values.map((value) => word(words, value));
  }

  private decoded(row: Row): Row {
    let result: Record<string, unknown> | null = null;
    for (const name in this.enums) {
      const value = row[name];
      if (typeof value !== "number") continue;
      result ??= { ...row };
      result[name] = word(this.enums[name] as readonly string[], value);
    }
    return result ?? row;
  }
}

function word(words: readonly string[], value: unknown): unknown {
  return typeof value === "number" ? (words[value] ?? `#${value}`) : value;
}
