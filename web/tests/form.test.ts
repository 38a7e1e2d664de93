import { describe, expect, it } from "vitest";
import { faultWords, parseDocument, placeOf, read, typed, write, written } from "../src/framework/document";
import { copyOf, SECTIONS, withDeadline, withRemovals } from "../src/marathon/form";

const FIELDS = SECTIONS.flatMap(({ fields }) => fields);

describe("a field of the form", () => {
  it("reads and writes its own key, and leaves every other as it is", () => {
    const document = { id: "/a", container: { type: "MESOS", unknown: [1] }, upgradeStrategy: { maximumOverCapacity: 1 } };
    const next = write(document, ["upgradeStrategy", "minimumHealthCapacity"], 0.5);
    expect(next).toEqual({ ...document, upgradeStrategy: { maximumOverCapacity: 1, minimumHealthCapacity: 0.5 } });
    expect(next.container).toBe(document.container);
    expect(document.upgradeStrategy).toEqual({ maximumOverCapacity: 1 });
  });

  it("that is emptied takes its key away, and the object that it leaves empty", () => {
    expect(write({ id: "/a", upgradeStrategy: { minimumHealthCapacity: 1 } }, ["upgradeStrategy", "minimumHealthCapacity"], undefined)).toEqual({ id: "/a" });
    expect(write({ id: "/a" }, ["upgradeStrategy", "minimumHealthCapacity"], undefined)).toEqual({ id: "/a" });
    expect(write({ healthChecks: [] }, ["cmd"], undefined)).toEqual({ healthChecks: [] });
  });

  it("of any kind shows what it wrote", () => {
    for (const field of FIELDS.filter(({ kind }) => ["text", "area", "number", "count", "words", "choice"].includes(kind))) {
      const input = field.kind === "number" ? "3" : field.kind === "words" ? "a, b" : "x";
      const document = write({}, field.path, typed(field.kind, input));
      expect(written(read(document, field.path)), field.label).toBe(input);
    }
  });

  it("takes numbers as numbers, and what is none as it was typed, for the server to say so", () => {
    expect([typed("number", "0.5"), typed("number", " 7 "), typed("number", "x"), typed("number", ""), typed("count", "*")]).toEqual([0.5, 7, "x", undefined, "*"]);
    expect([typed("text", "12"), typed("words", "a, ,b"), typed("area", "a\n b")]).toEqual(["12", ["a", "b"], "a\n b"]);
  });
});

describe("a row of the form", () => {
  it("of a list keeps its places: a constraint without a value has two parts", () => {
    expect(write(["hostname", "UNIQUE", "x"], [2], undefined)).toEqual(["hostname", "UNIQUE"]);
    expect(write(["hostname", "MAX_PER"], [2], "3")).toEqual(["hostname", "MAX_PER", "3"]);
    expect(write(["hostname"], [2], "3")).toEqual(["hostname", "", "3"]);
    expect(write(["hostname", "UNIQUE"], [0], undefined)).toEqual(["", "UNIQUE"]);
  });

  it("may have a key inside a key", () => {
    expect(write({ protocol: "COMMAND" }, ["command", "value"], "true")).toEqual({ protocol: "COMMAND", command: { value: "true" } });
    expect(write({ protocol: "COMMAND", command: { value: "true" } }, ["command", "value"], undefined)).toEqual({ protocol: "COMMAND" });
  });
});

describe("a fault of the API", () => {
  const at = (path: string) => {
    const place = placeOf(path, SECTIONS);
    return place === null ? null : [place.field.path.join("."), place.row];
  };

  it("is shown at the field that it is about, and in which row", () => {
    expect(at("/id")).toEqual(["id", null]);
    expect(at("/constraints(2)")).toEqual(["constraints", 2]);
    expect(at("/healthChecks(1)/path")).toEqual(["healthChecks", 1]);
    expect(at("/portDefinitions(0)/name")).toEqual(["portDefinitions", 0]);
    expect(at("/upgradeStrategy/maximumOverCapacity")).toEqual(["upgradeStrategy.maximumOverCapacity", null]);
    expect(at("/upgradeStrategy")).toEqual(["upgradeStrategy.minimumHealthCapacity", null]);
    expect(at("/apps(3)/constraints(1)")).toEqual(["constraints", 1]);
  });

  it("of no field is shown above all", () => {
    expect(at("/")).toBeNull();
    expect(at("/container/docker/image")).toBeNull();
  });

  it("is told in words", () => {
    expect(faultWords(["error.path.missing"])).toBe("is needed");
    const pattern = "^(([a-z0-9]|[a-z0-9][a-z0-9\\-]*[a-z0-9])\\.)*([a-z0-9]|[a-z0-9][a-z0-9\\-]*[a-z0-9])|(\\.|\\.\\.)$";
    expect(faultWords([`'Web_2' must fully match regular expression '${pattern}'`])).toBe("'Web_2' is no name: lower-case letters, digits, dots and dashes, and no dash at an end");
    expect(faultWords(["error.expected.jsnumber", "must be greater than 0"])).toBe("has to be a number; must be greater than 0");
  });
});

describe("JSON that is typed", () => {
  it("is a document, or says where it breaks", () => {
    expect(parseDocument('{"id": "/a"}')).toEqual({ document: { id: "/a" } });
    expect(parseDocument("[]")).toEqual({ fault: "This has to be an object: { … }" });
    expect(parseDocument('{\n"id": "/a",\n}')).toMatchObject({ fault: expect.stringContaining("line 3") });
  });

  it("may be of another app, with ports of its own", () => {
    const copy = copyOf({ id: "/a", cmd: "x", portDefinitions: [{ port: 10_000, name: "http" }] });
    expect(copy).toEqual({ id: "/a-2", cmd: "x", portDefinitions: [{ port: 0, name: "http" }] });
    expect(copyOf({ id: "/a", cmd: "x" })).toEqual({ id: "/a-2", cmd: "x" });
  });

  it("is sent with a deadline only if there is one", () => {
    const request = { query: { partialUpdate: "false" } };
    expect(withDeadline(request, "90").query).toEqual({ partialUpdate: "false", deadlineSeconds: "90" });
    expect([withDeadline(request, ""), withDeadline(request, "x"), withDeadline(request, "-1")]).toEqual([request, request, request]);
  });

  it("that takes a drain away says so, for leaving it out would keep it", () => {
    expect(withRemovals({ drainDelaySeconds: 5 }, { id: "/a" })).toEqual({ id: "/a", drainDelaySeconds: 0 });
    expect(withRemovals({ id: "/a" }, { id: "/a" })).toEqual({ id: "/a" });
  });
});
