/** What differs between two documents, by the path of each key: for people, not for machines. */

export interface Difference {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list of scalars, such as a constraint, is one value: its parts mean nothing alone. */
function isWhole(value: unknown): boolean {
  return !isObject(value) && !(Array.isArray(value) && value.some((each) => typeof each === "object" && each !== null));
}

function entries(value: unknown): [string, unknown][] {
  return Array.isArray(value) ? value.map((each, at) => [`(${at})`, each]) : Object.entries(value as Json);
}

function join(path: string, key: string): string {
  return key.startsWith("(") || path === "" ? path + key : `${path}.${key}`;
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function walk(path: string, before: unknown, after: unknown, found: Difference[]): void {
  if (same(before, after)) return;
  const wholes = isWhole(before ?? {}) || isWhole(after ?? {});
  const mixed = before !== undefined && after !== undefined && Array.isArray(before) !== Array.isArray(after);
  if (wholes || mixed) {
    found.push({ path, before, after });
    return;
  }
  const left = new Map(before === undefined ? [] : entries(before));
  const right = new Map(after === undefined ? [] : entries(after));
  const length = found.length;
  for (const key of new Set([...left.keys(), ...right.keys()])) walk(join(path, key), left.get(key), right.get(key), found);
  // Two that differ in the order of their keys alone are the same; an empty one that came or went is not.
  if (found.length === length && (before === undefined || after === undefined)) found.push({ path, before, after });
}

/** Sorted by path; empty when both wish for the same. */
export function differences(before: Json, after: Json, shownOnly: ReadonlySet<string> = new Set()): Difference[] {
  const found: Difference[] = [];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const key of [...keys].sort()) if (!shownOnly.has(key)) walk(key, before[key], after[key], found);
  return found;
}

/** A value in a cell: nothing, a text, or short JSON. */
export function shown(value: unknown): string {
  if (value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A document without what is only shown: what can be sent back. */
export function wishOf(document: Json, shownOnly: ReadonlySet<string>): Json {
  return Object.fromEntries(Object.entries(document).filter(([key]) => !shownOnly.has(key)));
}
