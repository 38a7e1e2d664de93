import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const BUILT = join(import.meta.dirname, "../../mesostw/webfiles");
const ASSETS = join(BUILT, "assets");
const KB = 1000;
const JS_GZ_MAX = 60 * KB;
const CSS_GZ_MAX = 12 * KB;

function packed(ending: string): number {
  const names = readdirSync(ASSETS).filter((name) => name.endsWith(ending));
  expect(names.length, `no ${ending} in ${ASSETS}: run npm run build`).toBeGreaterThan(0);
  return names.reduce((sum, name) => sum + gzipSync(readFileSync(join(ASSETS, name))).length, 0);
}

describe("the built dashboard", () => {
  it("stays within its budget of bytes", () => {
    expect(packed(".js")).toBeLessThanOrEqual(JS_GZ_MAX);
    expect(packed(".css")).toBeLessThanOrEqual(CSS_GZ_MAX);
  });

  it("names only files that are there, by relative addresses", () => {
    const page = readFileSync(join(BUILT, "index.html"), "utf8");
    const names = [...page.matchAll(/(?:src|href)="([^"]+\.\w+)"/g)].map((match) => match[1] as string);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      expect(name.startsWith("./")).toBe(true);
      expect(existsSync(join(BUILT, name)), name).toBe(true);
    }
  });

  it("has nothing inline, so that a strict content policy can stand", () => {
    const page = readFileSync(join(BUILT, "index.html"), "utf8");
    expect(page).not.toMatch(/<script(?![^>]*src=)[^>]*>|<style|\son\w+=|\sstyle=/);
  });

  it("has each packed file equal to the plain one", () => {
    for (const name of readdirSync(ASSETS).filter((each) => each.endsWith(".gz"))) {
      const plain = readFileSync(join(ASSETS, name.slice(0, -3)));
      expect(gunzipSync(readFileSync(join(ASSETS, name))).equals(plain), name).toBe(true);
    }
  });
});
