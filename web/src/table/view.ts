import type { Row } from "../live/frames";
import type { Changes, Rows } from "../live/table";
import { type Compiled, compile, type Field } from "../query/query";

/** What a table shows and how it may be asked: one description serves search, sort and cells. */
export interface Sorting {
  readonly name: string;
  readonly descending: boolean;
}

/**
 * The rows that match, in order, kept up to date by changes. While `frozen` (someone reads or points
 * at the table) rows keep their places: cells still change, moves wait and are counted in `pending`.
 */
export class TableView {
  /** Handles in the order shown. While frozen it may hold rows that no longer exist. */
  order: number[] = [];
  /** Rows that would move, come or go if the order were applied now. */
  pending = 0;
  frozen = false;
  compiled: Compiled<Row>;
  private query = "";
  private sorting: Sorting | null = null;
  private shown = new Set<number>();
  private waiting = new Set<number>();
  /** Handle to index, made when first needed: while frozen the order stands. */
  private places: Map<number, number> | null = null;

  constructor(
    readonly table: Rows,
    private readonly fields: readonly Field<Row>[],
    private readonly nowS: () => number,
    private readonly scope?: (row: Row) => boolean,
    /** Rows that stand before all others, whatever the order. */
    private readonly first?: (row: Row) => boolean,
  ) {
    this.compiled = compile("", fields);
  }

  /** Sets what is looked for and the order; always applied at once, for the user asked for it. */
  ask(query: string, sorting: Sorting | null): void {
    if (query !== this.query) this.compiled = compile(query, this.fields);
    this.query = query;
    this.sorting = sorting;
    this.rebuild();
  }

  hear(changes: Changes): void {
    // A new snapshot renumbers the rows: the old places mean nothing any more.
    if (changes.all) this.rebuild();
    else if (this.frozen) this.wait(changes.handles);
    else this.merge(changes.handles);
  }

  freeze(frozen: boolean): void {
    this.frozen = frozen;
    if (!frozen) this.applyPending();
  }

  /** Everything is looked at: the table may be ahead of what this view was told. */
  applyPending(): void {
    if (this.waiting.size > 0) this.rebuild();
  }

  /** Looks at all rows again; needed now and then when the query speaks of ages. */
  rebuild(): void {
    const now = this.nowS();
    const order: number[] = [];
    for (const [handle, row] of this.table.rows) {
      if (this.fits(row, now)) order.push(handle);
    }
    order.sort(this.comparison());
    this.order = order;
    this.shown = new Set(order);
    this.waiting.clear();
    this.places = null;
    this.pending = 0;
  }

  /** How many rows there are to search in. */
  get total(): number {
    if (this.scope === undefined) return this.table.rows.size;
    let total = 0;
    for (const row of this.table.rows.values()) if (this.scope(row)) total++;
    return total;
  }

  row(index: number): Row | undefined {
    const handle = this.order[index];
    return handle === undefined ? undefined : this.table.rows.get(handle);
  }

  private fits(row: Row, nowS: number): boolean {
    return (this.scope === undefined || this.scope(row)) && this.compiled.matches(row, nowS);
  }

  private wait(handles: ReadonlySet<number>): void {
    for (const handle of handles) this.waiting.add(handle);
    let pending = 0;
    const now = this.nowS();
    for (const handle of this.waiting) {
      const row = this.table.rows.get(handle);
      const wanted = row !== undefined && this.fits(row, now);
      if (wanted !== this.shown.has(handle) || (wanted && this.misplaced(handle))) pending++;
    }
    this.pending = pending;
  }

  /** Out of order against its nearest neighbours that did not change themselves. */
  private misplaced(handle: number): boolean {
    this.places ??= new Map(this.order.map((each, index) => [each, index]));
    const compare = this.comparison();
    const at = this.places.get(handle) ?? -1;
    const before = this.neighbour(at, -1);
    const after = this.neighbour(at, 1);
    return (
      (before !== undefined && compare(before, handle) > 0) ||
      (after !== undefined && compare(handle, after) > 0)
    );
  }

  private neighbour(at: number, step: 1 | -1): number | undefined {
    let index = at + step;
    while (this.waiting.has(this.order[index] as number)) index += step;
    return this.order[index];
  }

  /** Takes the changed rows out and merges those that match back in: one pass, one small sort. */
  private merge(handles: ReadonlySet<number>): void {
    const now = this.nowS();
    const compare = this.comparison();
    const coming: number[] = [];
    for (const handle of handles) {
      const row = this.table.rows.get(handle);
      if (row !== undefined && this.fits(row, now)) {
        coming.push(handle);
        this.shown.add(handle);
      } else this.shown.delete(handle);
    }
    coming.sort(compare);
    const staying = this.order.filter((handle) => !handles.has(handle));
    this.order = mergeSorted(staying, coming, compare);
  }

  private comparison(): (left: number, right: number) => number {
    const field = this.fields.find((each) => each.name === this.sorting?.name);
    const { first } = this;
    const rows = this.table.rows;
    const sign = this.sorting?.descending ? -1 : 1;
    const within = (left: Row, right: Row): number =>
      field === undefined ? 0 : sign * compareValues(field.read(left), field.read(right), sign);
    return (left, right) => {
      const a = rows.get(left) as Row;
      const b = rows.get(right) as Row;
      const ahead = first === undefined ? 0 : Number(first(b)) - Number(first(a));
      // Of equal ones the newest comes first where the order goes down, as for moments.
      return ahead || within(a, b) || sign * (left - right);
    };
  }
}

function mergeSorted(
  left: readonly number[],
  right: readonly number[],
  compare: (a: number, b: number) => number,
): number[] {
  if (right.length === 0) return left as number[];
  const merged: number[] = [];
  let at = 0;
  for (const handle of right) {
    // Binary search finds where the next run of untouched rows ends.
    let low = at;
    let high = left.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(left[middle] as number, handle) <= 0) low = middle + 1;
      else high = middle;
    }
    for (; at < low; at++) merged.push(left[at] as number);
    merged.push(handle);
  }
  for (; at < left.length; at++) merged.push(left[at] as number);
  return merged;
}

const collator = new Intl.Collator("en", { numeric: true });

/** Unknown values come last in both directions; text sorts as people count: n2 before n10. */
export function compareValues(a: unknown, b: unknown, sign = 1): number {
  const noA = a === null || a === undefined || a === "";
  const noB = b === null || b === undefined || b === "";
  if (noA || noB) return noA === noB ? 0 : noA ? sign : -sign;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(String(a), String(b));
}
