/**
 * Whose page this is. A master serves the dashboard at its root and reaches its frameworks through doors of
 * its own, `marathon/` and `chronos/`; a framework serves the same files at `ui/` and has its API one step up.
 */
export type Home = "master" | "marathon" | "chronos";

/** A framework names itself in the page that it serves; without a name it is Marathon. */
export function homeOf(path: string, servedBy?: string): Home {
  if (servedBy === "chronos" || servedBy === "marathon") return servedBy;
  return /\/ui\/(index\.html)?$/.test(path) ? "marathon" : "master";
}

export const home: Home = typeof location === "undefined" ? "master" : homeOf(location.pathname, document.documentElement.dataset.servedBy);

/** True when a framework serves this page: there is no master to ask then. */
export const standalone = home !== "master";

export type Framework = Exclude<Home, "master">;

/** Where a framework's API is, relative to the page. */
export function baseOf(framework: Framework): string {
  return home === framework ? "../" : `${framework}/`;
}
