import type { Row } from "../live/frames";

/** Who runs after whom, and where each is drawn: in layers, by the longest way from a job without parents. */

export interface Dag {
  readonly parents: ReadonlyMap<string, readonly string[]>;
  readonly children: ReadonlyMap<string, readonly string[]>;
}

export function dagOf(rows: Iterable<Row>): Dag {
  const parents = new Map<string, readonly string[]>();
  const children = new Map<string, string[]>();
  for (const row of rows) {
    const above = (row.parents ?? []) as readonly string[];
    parents.set(String(row.id), above);
    for (const parent of above) children.set(parent, [...(children.get(parent) ?? []), String(row.id)]);
  }
  return { parents, children };
}

function reach(name: string, next: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set([name]);
  for (const each of found) for (const other of next.get(each) ?? []) found.add(other);
  return found;
}

/** A job with everything above and below it. */
export function around(dag: Dag, name: string): Set<string> {
  return new Set([...reach(name, dag.parents), ...reach(name, dag.children)]);
}

/** Those of `names` in layers: nobody stands in the layer of one that it follows, or above it. */
export function layersOf(dag: Dag, names: ReadonlySet<string>): string[][] {
  const depths = new Map<string, number>();
  const depth = (name: string, seen: ReadonlySet<string>): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    const above = (dag.parents.get(name) ?? []).filter((each) => names.has(each) && !seen.has(each));
    const found = above.reduce((most, each) => Math.max(most, depth(each, new Set([...seen, name])) + 1), 0);
    depths.set(name, found);
    return found;
  };
  const layers: string[][] = [];
  for (const name of [...names].sort()) (layers[depth(name, new Set())] ??= []).push(name);
  // One pass is enough for graphs that people look at: each beside the middle of its parents.
  const places = new Map<string, number>();
  return layers.map((layer) => {
    const middle = (name: string): number => {
      const above = (dag.parents.get(name) ?? []).flatMap((each) => places.get(each) ?? []);
      return above.length === 0 ? -1 : above.reduce((sum, at) => sum + at, 0) / above.length;
    };
    const sorted = [...layer].sort((a, b) => middle(a) - middle(b));
    sorted.forEach((name, at) => places.set(name, at));
    return sorted;
  });
}

/** A job and all that follow it, each after those that it follows. */
export function downstream(dag: Dag, name: string): string[] {
  const below = reach(name, dag.children);
  return [name, ...layersOf(dag, below).flat().filter((each) => each !== name)];
}
