/**
 * The search language of every table: `state:running agent:n3* cpu>1 -label:env=dev "two words"`.
 * Terms are joined by "and"; a comma inside a value means "or"; `-` before a term means "not".
 */

export type Operator = ":" | "=" | ">" | ">=" | "<" | "<=";

export interface Term {
  readonly not: boolean;
  /** Empty for free text, which is looked for in every column. */
  readonly field: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** How a column can be asked for. */
export interface Field<R> {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** `age`: unix seconds; `started<10m` then means "less than ten minutes ago". */
  readonly kind: "text" | "number" | "size" | "age";
  read(row: R): unknown;
}

export type Predicate<R> = (row: R, nowS: number) => boolean;

export interface Compiled<R> {
  readonly matches: Predicate<R>;
  /** What could not be understood, in words for the person who typed it. */
  readonly faults: readonly string[];
  /** True when the answer for a row can change by the passing of time alone. */
  readonly timed: boolean;
}

const TERM = /(-?)(?:([A-Za-z_][\w.]*)(>=|<=|[:=<>]))?("(?:[^"]*)"?|[^\s"]+)/g;

export function parse(text: string): Term[] {
  const terms: Term[] = [];
  for (const match of text.matchAll(TERM)) {
    const [, minus, field, operator, raw = ""] = match;
    const quoted = raw.startsWith('"');
    const value = raw.replaceAll('"', "");
    if (value === "") continue;
    const values = quoted || field === undefined ? [value] : value.split(",").filter(Boolean);
    if (values.length === 0) continue;
    terms.push({
      not: minus === "-",
      field: (field ?? "").toLowerCase(),
      operator: (operator ?? ":") as Operator,
      values: values.map((each) => each.toLowerCase()),
    });
  }
  return terms;
}

const SIZE_MB: Readonly<Record<string, number>> = { k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 };
const AGE_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** A number with its unit; null when it is none. Sizes are in MB, ages in seconds. */
export function quantity(text: string, kind: Field<never>["kind"]): number | null {
  const match = /^(-?\d+(?:\.\d+)?)([a-z]*)$/.exec(text);
  if (match === null) return null;
  const [, digits, unit = ""] = match;
  if (unit === "") return Number(digits);
  const first = unit[0] as string;
  const scale = kind === "size" ? SIZE_MB[first] : kind === "age" ? AGE_S[first] : undefined;
  return scale === undefined ? null : Number(digits) * scale;
}

/** Text tests: a glob when it holds `*` or `?`, else "contains" for `:` and "is" for `=`. */
function textTest(value: string, operator: Operator): (text: string) => boolean {
  if (/[*?]/.test(value)) {
    const pattern = value.replace(/[.+^${}()|[\]\\]/g, "\\$&");
    const glob = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`, "m");
    return (text) => glob.test(text);
  }
  return operator === "=" ? (text) => text === value : (text) => text.includes(value);
}

function compare(operator: Operator, left: number, right: number): boolean {
  if (operator === ">") return left > right;
  if (operator === ">=") return left >= right;
  if (operator === "<") return left < right;
  if (operator === "<=") return left <= right;
  return Math.abs(left - right) < 1e-9;
}

function numberTerm<R>(field: Field<R>, term: Term): Predicate<R> | string {
  const wanted = term.values.map((value) => quantity(value, field.kind as never));
  const missing = wanted.indexOf(null);
  if (missing >= 0) return `“${term.values[missing]}” is not a number for ${term.field}`;
  return (row, nowS) => {
    const value = field.read(row);
    if (typeof value !== "number") return false;
    const shown = field.kind === "age" ? nowS - value : value;
    return wanted.some((each) => compare(term.operator, shown, each as number));
  };
}

function textTerm<R>(field: Field<R>, term: Term): Predicate<R> | string {
  if (/[<>]/.test(term.operator)) return `${term.field} has no order: use ${term.field}:value`;
  const tests = term.values.map((value) => textTest(value, term.operator));
  return (row) => {
    const value = field.read(row);
    if (value === null || value === undefined) return false;
    const text = String(value).toLowerCase();
    return tests.some((test) => test(text));
  };
}

function freeTerm<R>(term: Term, fields: readonly Field<R>[]): Predicate<R> {
  const value = term.values[0] as string;
  const test = /[*?]/.test(value) ? textTest(`*${value}*`, ":") : null;
  const texts = fields.filter((field) => field.kind === "text");
  return (row) => {
    const text = haystack(row as object, texts as readonly Field<object>[]);
    return test === null ? text.includes(value) : test(text);
  };
}

/** Lower-case text of a whole row, kept as long as the row object lives. */
const haystacks = new WeakMap<object, string>();

function haystack(row: object, fields: readonly Field<object>[]): string {
  let text = haystacks.get(row);
  if (text === undefined) {
    text = fields.map((field) => field.read(row) ?? "").join("\n").toLowerCase();
    haystacks.set(row, text);
  }
  return text;
}

export function compile<R>(text: string, fields: readonly Field<R>[]): Compiled<R> {
  const byName = new Map<string, Field<R>>();
  for (const field of fields) {
    for (const name of [field.name, ...(field.aliases ?? [])]) byName.set(name, field);
  }
  const tests: Predicate<R>[] = [];
  const faults: string[] = [];
  let timed = false;
  for (const term of parse(text)) {
    const field = byName.get(term.field);
    let made: Predicate<R> | string;
    if (term.field === "") made = freeTerm(term, fields);
    else if (field === undefined) made = `no column “${term.field}”`;
    else made = field.kind === "text" ? textTerm(field, term) : numberTerm(field, term);
    if (typeof made === "string") faults.push(made);
    else {
      const test = made;
      tests.push(term.not ? (row, nowS) => !test(row, nowS) : test);
      timed ||= field?.kind === "age";
    }
  }
  const matches: Predicate<R> =
    tests.length === 0 ? () => true : (row, nowS) => tests.every((test) => test(row, nowS));
  return { matches, faults, timed };
}

/** The text with a term put in, or taken out when it was there: what clicking a facet does. */
export function toggled(text: string, term: string): string {
  const parts = text.split(/\s+/).filter(Boolean);
  const at = parts.indexOf(term);
  if (at >= 0) parts.splice(at, 1);
  else {
    const field = /^-?\w+:/.exec(term)?.[0];
    const same = field === undefined ? -1 : parts.findIndex((part) => part.startsWith(field));
    if (same >= 0) parts.splice(same, 1, term);
    else parts.push(term);
  }
  return parts.join(" ");
}
