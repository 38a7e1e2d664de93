import type { Row } from "../live/frames";
import type { Changes, Rows } from "../live/table";

/** Apps and their groups as the rows of one table: groups are folders, summed up from what is below. */

export function parentOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at <= 0 ? "/" : path.slice(0, at);
}

export function isBelow(path: string, group: string): boolean {
  return group === "/" || path === group || path.startsWith(`${group}/`);
}

/** Every group that a path is in, the root first. */
export function groupsAbove(path: string): string[] {
  const parts = path.split("/").filter(Boolean).slice(0, -1);
  return ["/", ...parts.map((_, at) => `/${parts.slice(0, at + 1).join("/")}`)];
}

/** A name as it reads inside a group: `/shop/db` in `/shop` is `db`. */
export function within(path: string, group: string): string {
  return group === "/" ? path.replace(/^\//, "") : path.slice(group.length + 1);
}

const SUMMED = ["instances", "running", "healthy", "unhealthy", "unknown", "staged", "unreachable", "doomed", "waiting"] as const;
const PER_INSTANCE = ["cpus", "mem"] as const;

/** What an app asks for in all: of one instance times their number. */
export function demand(row: Row, name: (typeof PER_INSTANCE)[number]): number {
  return row.folder === true ? Number(row[name]) : Number(row[name]) * Number(row.instances);
}

/** One row for each group that is named or has apps below it, but not for the root. */
export function folders(apps: Iterable<Row>, groups: Iterable<Row>): Map<string, Row> {
  const found = new Map<string, Record<string, unknown>>();
  const folder = (id: string): Record<string, unknown> => {
    let row = found.get(id);
    if (row === undefined) {
      row = { id, group: parentOf(id), folder: true, apps: 0, deploying: 0, labels: [], cpus: 0, mem: 0 };
      for (const name of SUMMED) row[name] = 0;
      found.set(id, row);
    }
    return row;
  };
  for (const group of groups) for (const id of [...groupsAbove(String(group.id)), String(group.id)]) folder(id);
  for (const app of apps) {
    for (const id of groupsAbove(String(app.id))) {
      const row = folder(id);
      row.apps = Number(row.apps) + 1;
      if (app.deployment) row.deploying = Number(row.deploying) + 1;
      for (const name of SUMMED) row[name] = Number(row[name]) + Number(app[name] ?? 0);
      for (const name of PER_INSTANCE) row[name] = Number(row[name]) + demand(app, name);
    }
  }
  found.delete("/");
  return found;
}

function same(left: Row, right: Row): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

type Listen = (topic: string, listener: (changes: Changes) => void) => () => void;

/**
 * Apps by the feed's handles, and folders by negative ones. Folders are summed up at each change of
 * an app; a folder that came out the same keeps its row, so that it is not drawn again.
 */
export class Tree implements Rows {
  readonly rows = new Map<number, Row>();
  private readonly handles = new Map<string, number>();
  private readonly listeners = new Set<(changes: Changes) => void>();

  constructor(
    private readonly apps: Rows,
    private readonly groups: Rows,
    listen: Listen,
  ) {
    this.fold({ all: true, handles: new Set() });
    listen("apps", (changes) => this.fold(changes));
    listen("groups", () => this.fold({ all: false, handles: new Set() }));
  }

  get loaded(): boolean {
    return this.apps.loaded;
  }

  listen(listener: (changes: Changes) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private fold(changes: Changes): void {
    const changed = new Set(changes.handles);
    if (changes.all) this.rows.clear();
    for (const handle of changes.all ? this.apps.rows.keys() : changes.handles) {
      const row = this.apps.rows.get(handle);
      if (row === undefined) this.rows.delete(handle);
      else this.rows.set(handle, row);
    }
    this.foldFolders(changed);
    for (const listener of this.listeners) listener({ all: changes.all, handles: changed });
  }

  private foldFolders(changed: Set<number>): void {
    const next = folders(this.apps.rows.values(), this.groups.rows.values());
    for (const [id, row] of next) {
      const handle = this.handles.get(id) ?? -1 - this.handles.size;
      this.handles.set(id, handle);
      const old = this.rows.get(handle);
      if (old !== undefined && same(old, row)) continue;
      this.rows.set(handle, row);
      changed.add(handle);
    }
    for (const [id, handle] of this.handles) {
      if (!next.has(id) && this.rows.delete(handle)) changed.add(handle);
    }
  }
}
