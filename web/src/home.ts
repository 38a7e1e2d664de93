/**
 * Whose page this is. A master serves the dashboard at its root and reaches Marathon through its own
 * `marathon/` door; a Marathon serves the same files at `ui/` and has its API one step up.
 */
export function isMarathonsOwn(path: string): boolean {
  return /\/ui\/(index\.html)?$/.test(path);
}

const path = typeof location === "undefined" ? "/" : location.pathname;

/** True when a Marathon serves this page: there is no master to ask then. */
export const standalone = isMarathonsOwn(path);

/** Where Marathon's API is, relative to the page. */
export const marathonBase = standalone ? "../" : "marathon/";
