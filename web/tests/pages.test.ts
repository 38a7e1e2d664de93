import { describe, expect, it } from "vitest";
import { counted, duration, middle, number, percent, size } from "../src/format";
import { agentNames } from "../src/names";
import { matters } from "../src/pages/attention";
import { hashOf, readPlace } from "../src/router";
import { memberLook, taskLook } from "../src/states";

describe("an address", () => {
  it("survives ids with any characters", () => {
    const parts = ["tasks", "f/1", "a b%?#&é"];
    const query = { q: 'state:failed "x y"', sort: "-cpus" };
    expect(readPlace(hashOf(parts, query))).toEqual({ parts, query });
  });

  it("that is broken is read as it stands", () => {
    expect(readPlace("#/tasks/%E0%A4%A").parts).toEqual(["tasks", "%E0%A4%A"]);
    expect(readPlace("").parts).toEqual([]);
  });

  it("leaves out what is not set", () => {
    expect(hashOf(["agents"], { q: "" })).toBe("#/agents");
  });
});

describe("a figure", () => {
  it("reads as people write it", () => {
    expect([size(512), size(1536), size(3 * 1024 * 1024), size(null)]).toEqual(["512 MB", "1.5 GB", "3 TB", "–"]);
    expect([counted(1, "waiting apps"), counted(1, "apps and groups"), counted(0, "runs")]).toEqual(["1 waiting app", "1 app or group", "0 runs"]);
    expect([number(0.25), number(12.345), number(10_240), number("x")]).toEqual(["0.25", "12.3", "10,240", "–"]);
    expect([percent(1, 4), percent(1, 400), percent(0, 4), percent(1, 0)]).toEqual(["25 %", "<1 %", "0 %", "–"]);
    expect([duration(5), duration(125), duration(3600), duration(200_000), duration(-3)]).toEqual(["5 s", "2 m 5 s", "1 h", "2 d 7 h", "0 s"]);
  });

  it("that is too long gives way in the middle, for ids differ in their tails", () => {
    expect(middle("abcdefghijklmnop", 10)).toBe("abc…klmnop");
    expect(middle("short", 10)).toBe("short");
  });
});

describe("a state", () => {
  it("has a shape and a word of its own for each kind of trouble", () => {
    const names = ["FAILED", "ERROR", "LOST", "DROPPED", "GONE", "UNREACHABLE"];
    const looks = names.map((name) => taskLook(`TASK_${name}`));
    expect(new Set(looks.map((look) => look.glyph)).size).toBe(names.length);
    expect(new Set(looks.map((look) => look.word)).size).toBe(names.length);
  });

  it("of health shows only while the task runs", () => {
    expect(taskLook("TASK_RUNNING", false).tone).toBe("warn");
    expect(taskLook("TASK_FINISHED", false).tone).toBe("idle");
  });

  it("that is new to this page is shown as unknown, not hidden", () => {
    expect(taskLook("TASK_FROM_THE_FUTURE").word).toBe("unknown");
    expect(memberLook(undefined).word).toBe("unknown");
  });
});

describe("names of agents", () => {
  it("tell several agents on one host apart", () => {
    const row = (id: string, hostname: string, port: number) => ({ id, hostname, address: `10.0.0.1:${port}` });
    const names = agentNames([row("S1", "n1", 5051), row("S2", "n1", 5052), row("S3", "n2", 5051)]);
    expect([...names.values()]).toEqual(["n1:5051", "n1:5052", "n2"]);
  });
});

describe("what needs attention", () => {
  const now = 10_000;
  const task = (id: string, more: object) => ({ id, framework_id: "f", updated: now - 5, ...more });

  it("is nothing in a healthy cluster", () => {
    const tasks = [task("a", { state: "TASK_RUNNING", healthy: true }), task("b", { state: "TASK_FINISHED" })];
    expect(matters([{ id: "S1", state: "active" }], [{ id: "F1", state: "active" }], tasks, now)).toEqual([]);
  });

  it("is lost agents and frameworks, fresh failures, failing checks and long waits", () => {
    const tasks = [
      task("failed", { state: "TASK_FAILED", message: "exit 1" }),
      task("old", { state: "TASK_FAILED", updated: now - 5_000 }),
      task("sick", { state: "TASK_RUNNING", healthy: false }),
      task("waits", { state: "TASK_STAGING", updated: now - 120 }),
      task("fresh", { state: "TASK_STAGING" }),
    ];
    const agents = [{ id: "S1", hostname: "n1", state: "unreachable", tasks: 3 }];
    const frameworks = [{ id: "F1", name: "web", state: "disconnected", tasks: 1 }];
    const found = matters(agents, frameworks, tasks, now);
    expect(found.map((matter) => matter.what)).toEqual(["n1", "web", "failed", "sick", "waits"]);
    expect(found.at(-1)).toMatchObject({ why: "staging for 2 m", query: { tab: "Why" } });
  });

  it("counts what it does not list", () => {
    const tasks = Array.from({ length: 30 }, (_, at) => task(`t${at}`, { state: "TASK_LOST" }));
    expect(matters([], [], tasks, now).at(-1)?.what).toBe("22 more tasks");
  });

  it("has no line for, and does not count, what an app or a job tells of", () => {
    const tasks = Array.from({ length: 30 }, (_, at) => task(`t${at}`, { state: "TASK_LOST" }));
    expect(matters([], [], tasks, now, (row) => row.id !== "t3").map(({ what }) => what)).toEqual(["t3"]);
  });
});
