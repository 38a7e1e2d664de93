import { describe, expect, it } from "vitest";
import { cliOf, curlOf } from "../src/framework/actions";
import { outcomeOf } from "../src/framework/api";
import type { Row } from "../src/live/frames";
import { jobActions, killRun, pause, putJob, resume, runNow, setEnabled } from "../src/chronos/actions";
import { dayWords, monthBeside, weeksOf } from "../src/chronos/calendar";
import { chronosMatters } from "../src/chronos/matters";
import { COUNTERS, freshJob, JOB_SECTIONS, sent } from "../src/chronos/form";
import { around, dagOf, downstream, layersOf } from "../src/chronos/graph";
import { Answered, lanesOf, rowOf } from "../src/chronos/run";
import { dueToday } from "../src/chronos/due";
import { becauseWords, historyWords, jobLook, jobWord, nextWords, runLook, successRate } from "../src/chronos/words";
import { placeOf } from "../src/framework/document";
import { wishOf } from "../src/framework/diff";

const NOW = 1_790_000_000;
const job = (more: object): Row => ({
  id: "a", kind: "schedule", disabled: false, because: "", next: NOW + 60, running: 0, queued: 0, parents: [], arrived: [], history: "", ...more,
});

describe("the word of a job", () => {
  it("is the first that fits: what runs, what waits, whether it may, what should have begun", () => {
    expect(jobWord(job({ running: 1, queued: 1 }), NOW)).toBe("running");
    expect(jobWord(job({ queued: 1, next: NOW - 60 }), NOW)).toBe("queued");
    expect(jobWord(job({ disabled: true, because: "asked", next: NOW - 60 }), NOW)).toBe("disabled");
    expect(jobWord(job({ disabled: true, because: "finished" }), NOW)).toBe("finished");
    expect(jobWord(job({ next: NOW - 60 }), NOW)).toBe("overdue");
    expect(jobWord(job({ next: NOW - 1 }), NOW)).toBe("idle");
    expect(jobWord(job({ next: null }), NOW)).toBe("idle");
    expect(jobLook(job({ running: 3 }), NOW).word).toBe("3 running");
  });

  it("has its reason where there is one", () => {
    expect(becauseWords(job({ disabled: true, because: "failures" }))).toBe("it failed too often in a row");
    expect(becauseWords(job({ parents: ["a", "b", "c"], arrived: ["b"] }))).toBe("waits for a, c; b done");
    expect(becauseWords(job({ parents: ["a"], arrived: [] }))).toBe("");
  });
});

describe("the next run", () => {
  it("is told by the distance", () => {
    expect(nextWords(job({}), NOW)).toBe("in 1 m");
    expect(nextWords(job({ next: NOW + 7_300 }), NOW)).toBe("in 2 h");
    expect(nextWords(job({ next: NOW - 3 }), NOW)).toBe("now");
    expect(nextWords(job({ next: NOW - 300 }), NOW)).toBe("overdue 5 m");
    expect(nextWords(job({ next: null, kind: "dependent" }), NOW)).toBe("after parents");
    expect(nextWords(job({ disabled: true }), NOW)).toBe("–");
  });
});

describe("a history", () => {
  it("is told in words and as a share", () => {
    expect(historyWords("ssrf-")).toBe("last 5 runs: 2 succeeded, 1 failed, 1 failed, tried again, 1 skipped; the newest skipped");
    expect(historyWords("s")).toBe("last 1 run: 1 succeeded; the newest succeeded");
    expect(historyWords("")).toBe("no run has ended yet");
    expect(successRate("sssf--kr")).toBe(0.75);
    expect(successRate("--k")).toBeNull();
  });
});

describe("a run", () => {
  const api = { id: "r1", job: "a", instant: "2026-11-25T10:00:00.000Z", cause: "clock", attempt: 0, state: "skipped", made: "2026-11-25T10:00:00.000Z", since: "2026-11-25T10:00:00.000Z", skipped: 3, skip: "late" };

  it("of the API has the columns of the feed", () => {
    const row = rowOf(api);
    expect(row.instant).toBe(Date.UTC(2026, 10, 25, 10) / 1000);
    expect([row.late, row.task_id, row.message, row.skip]).toEqual([null, null, "", "late"]);
    expect(runLook(row).word).toBe("3 skipped");
  });

  it("whose agent is away says so, until it has ended", () => {
    expect(runLook({ state: "running", unreachable_since: NOW }).word).toBe("unreachable");
    expect(runLook({ state: "failed", unreachable_since: NOW }).word).toBe("failed");
    expect(runLook({ state: "odd" }).word).toBe("odd");
  });

  it("tells a table when an answer has come", () => {
    const answered = new Answered();
    const heard: boolean[] = [];
    const stop = answered.listen(({ all }) => heard.push(all));
    answered.put([rowOf(api)]);
    stop();
    answered.put([]);
    expect([answered.loaded, answered.rows.size, heard]).toEqual([true, 0, [true]]);
  });
});

describe("the grid", () => {
  const run = (id: string, name: string, instant: number, more: object = {}): Row => ({ id, job: name, instant, attempt: 0, state: "succeeded", parents: [], ...more });
  const runs = new Map<string, readonly Row[]>([
    ["a", [run("a1", "a", 10), run("a2", "a", 20, { state: "failed" }), run("a2b", "a", 20, { attempt: 1 }), run("a3", "a", 30)]],
    ["b", [run("b1", "b", 11, { parents: [{ runId: "a1" }] }), run("b3", "b", 31, { parents: [{ runId: "a3" }] }), run("bx", "b", 40)]],
    ["c", [run("c1", "c", 12, { parents: [{ runId: "b1" }, { runId: "a2b" }] })]],
  ]);

  it("has a column for each instant, and attempts at one share a cell", () => {
    const { columns, lanes } = lanesOf(["a", "b", "c"], runs, 50);
    expect(columns).toEqual([10, 20, 30]);
    expect(lanes[0]?.cells.map((each) => each?.id)).toEqual(["a1", "a2b", "a3"]);
  });

  it("puts what followed a run below it, and counts what followed none", () => {
    const { lanes } = lanesOf(["a", "b", "c"], runs, 50);
    expect(lanes[1]?.cells.map((each) => each?.id)).toEqual(["b1", undefined, "b3"]);
    expect(lanes[1]?.others).toBe(1);
    expect(lanes[2]?.cells.map((each) => each?.id)).toEqual([undefined, "c1", undefined]);
  });

  it("shows the newest only", () => {
    expect(lanesOf(["a"], runs, 2)).toMatchObject({ columns: [20, 30], lanes: [{ others: 1 }] });
    expect(lanesOf(["z"], runs, 2).columns).toEqual([]);
  });
});

describe("the graph", () => {
  const dag = dagOf([job({}), job({ id: "b", parents: ["a"] }), job({ id: "c", parents: ["a"] }), job({ id: "d", parents: ["b", "c", "x"] }), job({ id: "x" }), job({ id: "y" })]);

  it("has what is above and below a job", () => {
    expect([...around(dag, "b")].sort()).toEqual(["a", "b", "d"]);
    expect([...around(dag, "y")]).toEqual(["y"]);
  });

  it("stands in layers, nobody above what it follows", () => {
    expect(layersOf(dag, new Set(["a", "b", "c", "d", "x"]))).toEqual([["a", "x"], ["b", "c"], ["d"]]);
    expect(downstream(dag, "a")).toEqual(["a", "b", "c", "d"]);
  });

  it("ends although parents form a ring for a moment", () => {
    const ring = dagOf([job({ parents: ["b"] }), job({ id: "b", parents: ["a"] })]);
    expect(layersOf(ring, new Set(["a", "b"])).flat().sort()).toEqual(["a", "b"]);
    expect(downstream(ring, "a")).toEqual(["a", "b"]);
  });
});

describe("a month", () => {
  it("begins on its weekday, and has its results and what is to come", () => {
    const noon = (day: number): number => new Date(2026, 10, day, 12).getTime() / 1000;
    const weeks = weeksOf("2026-11", [{ state: "succeeded", instant: noon(2) }, { state: "failed", instant: noon(2) }, { state: "skipped", instant: noon(3) }], [noon(30), noon(30)]);
    expect(weeks[0]?.map(({ number }) => number)).toEqual([0, 0, 0, 0, 0, 0, 1]);
    expect(weeks).toHaveLength(6);
    const days = weeks.flat();
    expect(dayWords(days.find(({ number }) => number === 2) as never)).toBe("1 succeeded, 1 failed");
    expect(dayWords(days.find(({ number }) => number === 3) as never)).toBe("1 other");
    expect(dayWords(days.find(({ number }) => number === 30) as never)).toBe("2 to come");
    expect([monthBeside("2026-12", 1), monthBeside("2026-01", -1)]).toEqual(["2027-01", "2025-12"]);
  });
});

describe("the next 24 hours", () => {
  it("have what is due in them, the first one first", () => {
    const rows = [job({ id: "late", next: NOW + 90_000 }), job({ id: "b", next: NOW + 9 }), job({ id: "a", next: NOW + 9 }), job({ id: "off", disabled: true }), job({ id: "dep", next: null }), job({ id: "due", next: NOW - 5 })];
    expect(dueToday(rows, NOW).map(({ id }) => id)).toEqual(["due", "a", "b"]);
  });
});

describe("what needs attention", () => {
  const of = (jobs: readonly Row[], runs: readonly Row[] = []): string[] => chronosMatters(jobs, runs, NOW).map(({ what, why }) => `${what}: ${why}`);

  it("are jobs that fail, are late, or wait long, and no others", () => {
    expect(of([job({}), job({ last: "failure", last_error: NOW - 3_600 }), job({ disabled: true, because: "asked", next: NOW - 99 })])).toEqual([]);
    expect(of([job({ last: "failure", last_error: NOW - 60, errors_since: 3 })])).toEqual(["a: failed 3 times in a row"]);
    expect(of([job({ next: NOW - 60 })])).toEqual(["a: its instant has passed and nothing has begun"]);
    expect(of([job({ disabled: true, because: "failures", last_error: NOW - 9_999 })])).toEqual(["a: disabled: it failed too often in a row"]);
    const waiting = { job: "a", state: "waiting", since: NOW - 120, not_before: null };
    expect(of([job({ queued: 1 })], [waiting])).toEqual(["a: a run of it has waited for 2 m"]);
    expect(of([job({ queued: 1 })], [{ ...waiting, not_before: NOW + 5 }, { ...waiting, state: "running" }])).toEqual([]);
  });

  it("are counted in one line when they are many", () => {
    const many = Array.from({ length: 11 }, (_, at) => job({ id: `j${at}`, next: NOW - 60 }));
    expect(chronosMatters(many, [], NOW)).toHaveLength(9);
    expect(chronosMatters(many, [], NOW).at(-1)?.count).toBe(3);
  });
});

describe("a deed", () => {
  it("is the request that is sent, and the command that does the same", () => {
    const action = runNow(job({ id: "a b" }));
    expect(action.request(0, "")).toEqual({ method: "POST", path: "v1/chronos/jobs/a%20b/runs", to: "chronos" });
    expect(action.request(0, "-x").body).toEqual({ arguments: "-x" });
    expect(cliOf(action, 0, false, "-x y")?.text).toBe("mesostw job run 'a b' --arguments '-x y'");
    expect(cliOf(setEnabled(job({})), 0, false)?.text).toBe("mesostw job disable a");
    expect(setEnabled(job({ disabled: true })).request(0, "").body).toEqual({ enabled: true });
    expect(cliOf(killRun({ id: "r", job: "a" }), 0, false)?.text).toBe("mesostw job kill a --run r");
    expect(cliOf(pause(), 0, false, "upgrade")?.text).toBe("mesostw job pause upgrade");
    expect(resume().request(0, "").body).toEqual({ paused: false });
    expect(jobActions(job({})).map(({ button }) => button)).toEqual(["Run now", "Disable", "Mark success", "Delete"]);
  });

  it("that puts a job names the version that it replaces, or that there is none", () => {
    expect(putJob({ name: "a" }, "v1").headers).toEqual({ "If-Match": '"v1"' });
    expect(putJob({ name: "a" }, null).headers).toEqual({ "If-None-Match": "*" });
    globalThis.document = { baseURI: "http://m:5050/" } as never;
    expect(curlOf(putJob({ name: "a" }, "v1")).text).toBe(`curl -s -X PUT -H 'If-Match: "v1"' http://m:5050/chronos/v1/chronos/jobs/a -H 'Content-Type: application/json' -d '{"name":"a"}'`);
  });

  it("that is refused says where", () => {
    const answer = outcomeOf(422, JSON.stringify({ status: "x", message: "no", faults: [{ path: "/schedule", errors: ["bad"] }] }), "chronos");
    expect(answer).toEqual({ kind: "refused", status: 422, message: "no", faults: [{ path: "/schedule", errors: ["bad"] }] });
    expect(outcomeOf(502, "", "chronos")).toMatchObject({ message: "Chronos does not answer" });
    expect(placeOf("/schedule", JOB_SECTIONS)?.field.label).toBe("Schedule");
    expect(placeOf("/constraints(1)", JOB_SECTIONS)).toMatchObject({ row: 1 });
  });
});

describe("a job's document", () => {
  it("begins with the next full hour, or with its parents", () => {
    expect(freshJob(Date.UTC(2026, 0, 1, 10, 30)).schedule).toBe("R/2026-01-01T11:00:00.000Z/P1D");
    expect(freshJob(0, ["a"])).toMatchObject({ parents: ["a"] });
    expect("schedule" in freshJob(0, ["a"])).toBe(false);
  });

  it("is sent without counters and without empty ways to time it, and with all else", () => {
    const document = { name: "a", schedule: "", cron: "* * * * *", parents: [], successCount: 3, mystery: { a: 1 } };
    expect(sent(wishOf(document, COUNTERS))).toEqual({ name: "a", cron: "* * * * *", mystery: { a: 1 } });
  });
});
