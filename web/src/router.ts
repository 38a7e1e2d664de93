import { signal } from "@preact/signals";

/** Where the page is: `#/tasks/fw/id?q=...` as parts and parameters. */
export interface Place {
  readonly parts: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

export function readPlace(hash: string): Place {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { parts, query: Object.fromEntries(new URLSearchParams(search)) };
}

export function hashOf(parts: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== ""),
  ).toString();
  const path = parts.map(encodeURIComponent).join("/");
  return `#/${path}${search === "" ? "" : `?${search}`}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const here = (): Place => readPlace(typeof location === "undefined" ? "" : location.hash);

export const place = signal<Place>(here());

export function listenToAddress(): void {
  addEventListener("hashchange", () => {
    place.value = here();
  });
}

export function go(...parts: string[]): void {
  location.hash = hashOf(parts);
}

/** Changes parameters of this place; typing in a search box must not fill the history. */
export function setQuery(changes: Readonly<Record<string, string>>): void {
  const now = place.value;
  const hash = hashOf(now.parts, { ...now.query, ...changes });
  history.replaceState(null, "", hash);
  place.value = readPlace(hash);
}
