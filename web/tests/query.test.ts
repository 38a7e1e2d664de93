import { describe, expect, it } from "vitest";
import { compile, type Field, parse, quantity, toggled } from "../src/query/query";

interface Task {
  id: string;
  state: string;
  cpus: number;
  mem: number;
  started: number | null;
}

const FIELDS: Field<Task>[] = [
  { name: "id", kind: "text", read: (row) => row.id },
  { name: "state", kind: "text", read: (row) => row.state },
  { name: "cpus", aliases: ["cpu"], kind: "number", read: (row) => row.cpus },
  { name: "mem", kind: "size", read: (row) => row.mem },
  { name: "started", kind: "age", read: (row) => row.started },
];
const TASKS: Task[] = [
  { id: "web.1", state: "running", cpus: 2, mem: 2048, started: 1000 },
  { id: "web.2 blue", state: "failed", cpus: 0.5, mem: 128, started: 400 },
  { id: "etl.7", state: "staging", cpus: 1, mem: 512, started: null },
];

function found(query: string): string[] {
  const { matches } = compile(query, FIELDS);
  return TASKS.filter((task) => matches(task, 1060)).map((task) => task.id.slice(0, 5));
}

describe("a query", () => {
  it("finds free text in any text column, in any case", () => {
    expect(found("WEB")).toEqual(["web.1", "web.2"]);
    expect(found('"2 blue"')).toEqual(["web.2"]);
    expect(found("w*1")).toEqual(["web.1"]);
  });

  it("asks one column: contains, is, glob, one of", () => {
    expect(found("state:run")).toEqual(["web.1"]);
    expect(found("state=run")).toEqual([]);
    expect(found("id:web.*")).toEqual(["web.1", "web.2"]);
    expect(found("state:failed,staging")).toEqual(["web.2", "etl.7"]);
  });

  it("compares numbers, sizes with units and ages", () => {
    expect(found("cpu>=1")).toEqual(["web.1", "etl.7"]);
    expect(found("mem>1g")).toEqual(["web.1"]);
    expect(found("started<2m")).toEqual(["web.1"]);
    expect(found("started>5m")).toEqual(["web.2"]);
  });

  it("joins by and, and turns round by a minus", () => {
    expect(found("web -state:failed")).toEqual(["web.1"]);
    expect(found("-web")).toEqual(["etl.7"]);
  });

  it("says what it did not understand and still does the rest", () => {
    const compiled = compile("colour:red cpu>lots state>3 web", FIELDS);
    expect(compiled.faults).toEqual([
      "no column “colour”",
      "“lots” is not a number for cpu",
      "state has no order: use state:value",
    ]);
    expect(TASKS.filter((task) => compiled.matches(task, 0))).toHaveLength(2);
  });

  it("knows when time alone can change its answer", () => {
    expect(compile("started<1m", FIELDS).timed).toBe(true);
    expect(compile("cpu>1", FIELDS).timed).toBe(false);
  });

  it("takes any text without failing", () => {
    for (const text of ["", '"', "::", "a:", ">", '-"', "((", "[", "\\", "a:b:c", "-", "*", "x:\\("]) {
      expect(() => found(text)).not.toThrow();
    }
    expect(parse('say "two words')).toHaveLength(2);
  });
});

describe("helpers of the search box", () => {
  it("read quantities", () => {
    expect(quantity("1.5g", "size")).toBe(1536);
    expect(quantity("2h", "age")).toBe(7200);
    expect(quantity("2h", "number")).toBeNull();
    expect(quantity("x", "number")).toBeNull();
  });

  it("put a facet in, swap it, and take it out", () => {
    expect(toggled("web", "state:failed")).toBe("web state:failed");
    expect(toggled("web state:failed", "state:lost")).toBe("web state:lost");
    expect(toggled("web state:lost", "state:lost")).toBe("web");
  });
});
