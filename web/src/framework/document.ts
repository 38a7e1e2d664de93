/**
 * A document as a form: which key each field stands for, and where a fault of the API belongs.
 * Documents are plain JSON and never changed in place; keys that no field knows stay as they are.
 */

export type Json = Record<string, unknown>;
export type Key = string | number;

export interface Cell {
  readonly label: string;
  /** Inside the row: a key, or several for a nested one. A number is a place in a list. */
  readonly key: readonly Key[];
  readonly kind: "text" | "number" | "check" | "choice";
  readonly choices?: readonly string[];
  readonly wide?: boolean;
}

export interface FormField {
  readonly label: string;
  readonly path: readonly string[];
  readonly hint?: string;
  readonly kind: "text" | "area" | "number" | "count" | "check" | "choice" | "words" | "pairs" | "rows";
  readonly choices?: readonly string[];
  readonly cells?: readonly Cell[];
  /** What a new row is. */
  readonly fresh?: unknown;
  readonly fixed?: boolean;
}

export interface Section {
  readonly title: string;
  readonly fields: readonly FormField[];
}

export const textCell = (label: string, key: Key, more: Partial<Cell> = {}): Cell => ({ label, key: [key], kind: "text", ...more });
export const numberCell = (label: string, key: Key): Cell => ({ label, key: [key], kind: "number" });
export const choiceCell = (label: string, key: Key, choices: readonly string[]): Cell => ({ label, key: [key], kind: "choice", choices });
export const checkCell = (label: string, key: Key): Cell => ({ label, key: [key], kind: "check" });

/** What is at a path; undefined if anything on the way is missing. */
export function read(document: unknown, path: readonly Key[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<Key, unknown>)[key];
  }
  return value;
}

/** The document with another value there; undefined takes the key away, and what it leaves empty. */
export function write<T>(document: T, path: readonly Key[], value: unknown): T {
  const [key, ...rest] = path;
  if (key === undefined) return value as T;
  const inner = rest.length === 0 ? value : write(read(document, [key]) ?? {}, rest, value);
  if (Array.isArray(document)) return writeItem(document, Number(key), inner) as T;
  const whole = { ...(typeof document === "object" && document !== null ? document : {}) } as Json;
  const hollow = rest.length > 0 && value === undefined && typeof inner === "object" && inner !== null && Object.keys(inner).length === 0;
  if (inner === undefined || hollow) delete whole[key];
  else whole[key] = inner;
  return whole as T;
}

/** A list has no holes: what is taken away at its end shortens it, elsewhere it becomes empty. */
function writeItem(list: readonly unknown[], at: number, value: unknown): unknown[] {
  const next = [...list];
  while (next.length < at && value !== undefined) next.push("");
  if (value === undefined && at >= next.length - 1) next.splice(at);
  else next[at] = value ?? "";
  return next;
}

/** What was typed as the value of a field; undefined for nothing, the text itself where a number cannot be read. */
export function typed(kind: FormField["kind"] | Cell["kind"], input: string): unknown {
  const clean = kind === "area" ? input : input.trim();
  if (clean.trim() === "") return undefined;
  if (kind === "number" || kind === "count") {
    const value = Number(clean);
    return Number.isNaN(value) ? clean : value;
  }
  if (kind === "words") return clean.split(",").map((each) => each.trim()).filter(Boolean);
  return clean;
}

/** A value as a field shows it. */
export function written(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export interface Place {
  readonly field: FormField;
  /** Of a row, if the fault is in one. */
  readonly row: number | null;
}

/** `/constraints(0)` and `/healthChecks(1)/path` as the field that they are about; null for none of this form. */
export function placeOf(path: string, sections: readonly Section[]): Place | null {
  // A group's answer names the app first.
  const parts = path.replace(/^\/apps\(\d+\)/, "").split("/").filter(Boolean);
  const names = parts.map((part) => part.replace(/\(.*$/, ""));
  const row = /\((\d+)\)/.exec(parts[0] ?? "")?.[1];
  let best: FormField | null = null;
  for (const { fields } of sections) {
    for (const field of fields) {
      const fits = field.path.every((key, at) => names[at] === key);
      if (fits && field.path.length > (best?.path.length ?? 0)) best = field;
    }
  }
  // A fault of a whole object belongs to its first field.
  best ??= sections.flatMap(({ fields }) => fields).find((field) => field.path[0] === names[0]) ?? null;
  return best === null ? null : { field: best, row: row === undefined ? null : Number(row) };
}

/** The keys of the API's faults in words; others are words already. */
const WORDS: Readonly<Record<string, string>> = {
  "error.path.missing": "is needed",
  "error.minLength": "is too short",
  "error.maxLength": "is too long",
  "error.min": "is too small",
  "error.max": "is too large",
  "error.pattern": "is not written as it has to be",
  "error.expected.jsnumber": "has to be a number",
  "error.expected.jsstring": "has to be a text",
  "error.expected.jsarray": "has to be a list",
  "error.expected.jsobject": "has to be an object",
  "error.expected.jsboolean": "has to be true or false",
  "error.unknown.enum.literal": "is none of the words that are known",
};

/** The original's words for an id that may not be one; its pattern helps nobody who reads it. */
const BAD_ID = /^('[^']*') must fully match regular expression '\^\(\(\[a-z0-9\]/;

export function faultWords(errors: readonly string[]): string {
  return errors
    .map((error) => {
      const name = BAD_ID.exec(error)?.[1];
      if (name !== undefined) return `${name} is no name: lower-case letters, digits, dots and dashes, and no dash at an end`;
      return WORDS[error] ?? error;
    })
    .join("; ");
}

/** JSON as it was typed: the document, or what is wrong and in which line. */
export function parseDocument(source: string): { document: Json } | { fault: string } {
  try {
    const value: unknown = JSON.parse(source);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { document: value as Json };
    return { fault: "This has to be an object: { … }" };
  } catch (error) {
    const words = (error as Error).message;
    const at = /position (\d+)/.exec(words)?.[1];
    const line = at === undefined ? "" : ` (line ${source.slice(0, Number(at)).split("\n").length})`;
    return { fault: `${words.replace(/ in JSON.*$/s, "")}${/line \d+/.test(words) ? "" : line}` };
  }
}
