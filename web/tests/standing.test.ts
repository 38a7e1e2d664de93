import { describe, expect, it } from "vitest";
import { isNews, led, NOTICE_S, othersOf, standingOf } from "../src/shell/standing";

const OWN = { leader: "m1:5050", copied_by: "", copied_at: 0, behind: 0, standbys: "m2:5050,m3:5050" };
const COPY = { ...OWN, copied_by: "m2:5050", standbys: "" };

describe("what a page shows", () => {
  it("is the leader's own, also of a master that says nothing of copies", () => {
    expect(standingOf(undefined)).toEqual({ kind: "own" });
    expect(standingOf({ leader: "m1:5050" })).toEqual({ kind: "own" });
    expect(standingOf(OWN)).toEqual({ kind: "own" });
  });

  it("is a copy that follows, is late, is old, or is not there yet", () => {
    expect(standingOf(COPY)).toEqual({ kind: "following", leader: "m1:5050", behindS: 0 });
    expect(standingOf({ ...COPY, behind: 3 })).toEqual({ kind: "following", leader: "m1:5050", behindS: 3 });
    expect(standingOf({ ...COPY, copied_at: 1700 })).toEqual({ kind: "stale", leader: "m1:5050", asOfS: 1700 });
    expect(standingOf({ ...COPY, leader: "" })).toEqual({ kind: "waiting" });
  });

  it("knows where else to look", () => {
    expect(othersOf(OWN)).toEqual(["m2:5050", "m3:5050"]);
    expect([othersOf(COPY), othersOf(undefined)]).toEqual([[], []]);
  });
});

describe("another leader", () => {
  it("is news for a while, and the first is none", () => {
    const first = led(null, "m1:5050", 10);
    expect(isNews(first, 10)).toBe(false);
    // While nobody leads nothing is said.
    expect(led(first, "", 20)).toBe(first);
    const second = led(first, "m2:5050", 30);
    expect(second).toEqual({ leader: "m2:5050", before: "m1:5050", changedS: 30 });
    expect([isNews(second, 31), isNews(second, 30 + NOTICE_S)]).toEqual([true, false]);
    expect(led(second, "m2:5050", 40)).toBe(second);
  });
});
