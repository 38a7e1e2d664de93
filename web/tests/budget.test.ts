import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const BUILT = join(import.meta.dirname, "../../mesostw/webfiles");
const ASSETS = join(BUILT, "assets");
const KB = 1000;
/** What every visitor loads before anything is shown. */
const JS_GZ_MAX = 60 * KB;
const CSS_GZ_MAX = 12 * KB;
/** What comes with the first pages of Marathon and of Chronos that are opened, and with their editors, all together. */
const LATER_JS_GZ_MAX = 48 * KB;
const LATER_CSS_GZ_MAX = 6 * KB;
/** Any one file that is loaded later. */
const CHUNK_GZ_MAX = 90 * KB;

const page = readFileSync(join(BUILT, "index.html"), "utf8");
const first = (name: string): boolean => page.includes(name);

function packed(ending: string, wanted: (name: string) => boolean): number {
  const names = readdirSync(ASSETS).filter((name) => name.endsWith(ending) && wanted(name));
  expect(names.length, `no ${ending} in ${ASSETS}: run npm run build`).toBeGreaterThan(0);
  return names.reduce((sum, name) => sum + gzipSync(readFileSync(join(ASSETS, name))).length, 0);
}

describe("the built dashboard", () => {
  it("stays within its budget of bytes at first", () => {
    expect(packed(".js", first)).toBeLessThanOrEqual(JS_GZ_MAX);
    expect(packed(".css", first)).toBeLessThanOrEqual(CSS_GZ_MAX);
  });

  it("stays within its budget of bytes for what is loaded later", () => {
    const later = (name: string): boolean => !first(name);
    expect(packed(".js", later)).toBeLessThanOrEqual(LATER_JS_GZ_MAX);
    expect(packed(".css", later)).toBeLessThanOrEqual(LATER_CSS_GZ_MAX);
    for (const name of readdirSync(ASSETS).filter((each) => each.endsWith(".gz"))) {
      expect(readFileSync(join(ASSETS, name)).length, name).toBeLessThanOrEqual(CHUNK_GZ_MAX);
    }
  });

  it("names only files that are there, by relative addresses", () => {
    const names = [...page.matchAll(/(?:src|href)="([^"]+\.\w+)"/g)].map((match) => match[1] as string);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      expect(name.startsWith("./")).toBe(true);
      expect(existsSync(join(BUILT, name)), name).toBe(true);
    }
  });

  it("has nothing inline, so that a strict content policy can stand", () => {
    expect(page).not.toMatch(/<script(?![^>]*src=)[^>]*>|<style|\son\w+=|\sstyle=/);
  });

  it("has each packed file equal to the plain one", () => {
    for (const name of readdirSync(ASSETS).filter((each) => each.endsWith(".gz"))) {
      const plain = readFileSync(join(ASSETS, name.slice(0, -3)));
      expect(gunzipSync(readFileSync(join(ASSETS, name))).equals(plain), name).toBe(true);
    }
  });
});
