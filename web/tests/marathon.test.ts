import { describe, expect, it } from "vitest";
import { homeOf } from "../src/home";
import type { Row } from "../src/live/frames";
import type { Changes, Rows } from "../src/live/table";
import { type Action, cliOf, curlOf } from "../src/framework/actions";
import { actionsOf, cancel, groupActionsOf, kill, killAndScale, pauseOrContinue, rollBack } from "../src/marathon/actions";
import { forced, idPath, outcomeOf, pathOf } from "../src/framework/api";
import { differences, wishOf } from "../src/marathon/wishes";
import { marathonMatters, toldByApps } from "../src/marathon/matters";
import { webAddress } from "../src/framework/masterpage";
import { planWords, previewRequest } from "../src/marathon/preview";
import { progressOf, stepShare, stepState, targetWords } from "../src/marathon/progress";
import { dominant, waitingFor } from "../src/marathon/queue";
import { healthWeight, healthWords, segments, statusOf } from "../src/marathon/status";
import { folders, groupsAbove, isBelow, parentOf, Tree, within } from "../src/marathon/tree";
import { TableView } from "../src/table/view";

const NOW = 1_790_000_000;
const app = (more: object): Row => ({
  id: "/a", group: "/", instances: 2, running: 2, healthy: 0, unhealthy: 0, unknown: 2, staged: 0,
  waiting: 0, waiting_since: null, delay_until: null, deployment: null, cpus: 0.5, mem: 64, labels: [], ...more,
});

describe("the word of an app", () => {
  it("is the first that fits: what waits, then a deployment, then what runs", () => {
    expect(statusOf(app({ waiting: 1, delay_until: NOW + 5, deployment: "d" }), NOW)).toBe("Delayed");
    expect(statusOf(app({ waiting: 1, delay_until: NOW - 5, deployment: "d" }), NOW)).toBe("Waiting");
    expect(statusOf(app({ waiting: 1 }), NOW)).toBe("Waiting");
    expect(statusOf(app({ deployment: "d" }), NOW)).toBe("Deploying");
    expect(statusOf(app({ instances: 0, running: 0 }), NOW)).toBe("Suspended");
    expect(statusOf(app({}), NOW)).toBe("Running");
    expect(statusOf(app({ running: 0, staged: 1 }), NOW)).toBe("Not running");
  });

  it("says running of an app at 0 whose last instance still runs", () => {
    expect(statusOf(app({ instances: 0, running: 1 }), NOW)).toBe("Running");
  });
});

describe("a health bar", () => {
  const counts = (row: Row): [string, number][] => segments(row).map(({ name, count }) => [name, count]);

  it("has six parts in their order", () => {
    const row = app({ instances: 10, running: 6, healthy: 3, unhealthy: 1, staged: 1 });
    expect(counts(row)).toEqual([["healthy", 3], ["unhealthy", 1], ["unknown", 2], ["staged", 1], ["unscheduled", 3]]);
    expect(counts(app({ instances: 1, running: 3, healthy: 3 }))).toEqual([["healthy", 3], ["over capacity", 2]]);
  });

  it("is whole, or empty where there is nothing", () => {
    const row = app({ instances: 7, running: 5, healthy: 2, staged: 4 });
    expect(segments(row).reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(segments(app({ instances: 0, running: 0, unknown: 0 }))).toEqual([]);
  });

  it("reads as a sentence", () => {
    const words = healthWords(app({ instances: 4, running: 2, healthy: 1, unhealthy: 1 }));
    expect(words).toBe("2 of 4 running: 1 healthy (25 %), 1 unhealthy (25 %), 2 unscheduled (50 %)");
  });

  it("sorts the unhealthy before the over-full, and those before what is well", () => {
    const sick = app({ healthy: 1, unhealthy: 1 });
    const over = app({ instances: 1, healthy: 2 });
    const well = app({ healthy: 2 });
    const none = app({ running: 0, instances: 2 });
    const order = [none, well, over, sick].sort((a, b) => healthWeight(b) - healthWeight(a));
    expect(order).toEqual([sick, over, well, none]);
  });
});

describe("the tree of groups", () => {
  it("knows where a path is", () => {
    expect([parentOf("/a"), parentOf("/a/b/c"), within("/a/b", "/a"), within("/a", "/")]).toEqual(["/", "/a/b", "b", "a"]);
    expect(groupsAbove("/a/b/c")).toEqual(["/", "/a", "/a/b"]);
    expect([isBelow("/ab", "/a"), isBelow("/a/b", "/a"), isBelow("/x", "/")]).toEqual([false, true, true]);
  });

  it("sums up everything below a group", () => {
    const apps = [app({ id: "/g/a", group: "/g", deployment: "d" }), app({ id: "/g/h/b", group: "/g/h", running: 1, instances: 3 })];
    const found = folders(apps, [{ id: "/empty/one" }]);
    expect([...found.keys()].sort()).toEqual(["/empty", "/empty/one", "/g", "/g/h"]);
    expect(found.get("/g")).toMatchObject({ apps: 2, running: 3, instances: 5, deploying: 1, cpus: 2.5, folder: true });
    expect(found.get("/g/h")).toMatchObject({ apps: 1, running: 1, cpus: 1.5 });
  });

  it("follows the feed, and leaves folders alone that came out the same", () => {
    const rows = new Map<number, Row>([[1, app({ id: "/g/a", group: "/g" })], [2, app({ id: "/h/b", group: "/h" })]]);
    const listeners: Record<string, (changes: Changes) => void> = {};
    const source: Rows = { rows, loaded: true };
    const tree = new Tree(source, { rows: new Map(), loaded: true }, (topic, listener) => {
      listeners[topic] = listener;
      return () => {};
    });
    const view = new TableView(tree, [{ name: "id", kind: "text", read: (row) => row.id }], () => NOW, undefined, (row) => row.folder === true);
    tree.listen((changes) => view.hear(changes));
    view.ask("", { name: "id", descending: true });
    const ids = (): unknown[] => view.order.map((handle) => tree.rows.get(handle)?.id);
    expect(ids()).toEqual(["/h", "/g", "/h/b", "/g/a"]);
    const untouched = [...tree.rows.values()].find((row) => row.id === "/h");
    rows.set(1, app({ id: "/g/a", group: "/g", running: 1 }));
    listeners.apps?.({ all: false, handles: new Set([1]) });
    expect([...tree.rows.values()].find((row) => row.id === "/g")).toMatchObject({ running: 1 });
    expect([...tree.rows.values()].find((row) => row.id === "/h")).toBe(untouched);
    rows.delete(1);
    listeners.apps?.({ all: false, handles: new Set([1]) });
    expect(ids()).toEqual(["/h", "/h/b"]);
  });
});

describe("what differs between two versions", () => {
  it("is told by the path of each key", () => {
    const before = { id: "/a", cpus: 1, env: { A: "1", B: "2" }, version: "v1", constraints: [["hostname", "UNIQUE"]] };
    const after = { id: "/a", cpus: 2, env: { A: "1", C: "3" }, version: "v2", constraints: [["hostname", "UNIQUE"], ["rack", "GROUP_BY"]] };
    expect(differences(before, after)).toEqual([
      { path: "constraints(1)", before: undefined, after: ["rack", "GROUP_BY"] },
      { path: "cpus", before: 1, after: 2 },
      { path: "env.B", before: "2", after: undefined },
      { path: "env.C", before: undefined, after: "3" },
    ]);
  });

  it("goes into lists of objects, and takes lists of words as one", () => {
    const check = { protocol: "HTTP", path: "/" };
    expect(differences({ healthChecks: [check] }, { healthChecks: [{ ...check, path: "/h" }] })).toEqual([{ path: "healthChecks(0).path", before: "/", after: "/h" }]);
    expect(differences({ acceptedResourceRoles: ["*"] }, { acceptedResourceRoles: ["*", "web"] })).toEqual([{ path: "acceptedResourceRoles", before: ["*"], after: ["*", "web"] }]);
  });

  it("is nothing for what is only shown, and for another order of keys", () => {
    expect(differences({ a: { x: 1, y: 2 }, version: "1", tasksRunning: 3 }, { a: { y: 2, x: 1 }, version: "2" })).toEqual([]);
    expect(wishOf({ id: "/a", version: "1", versionInfo: {}, tasks: [], cmd: "x" })).toEqual({ id: "/a", cmd: "x" });
  });

  it("tells of objects that come and go, also of empty ones", () => {
    expect(differences({}, { upgradeStrategy: { minimumHealthCapacity: 1 } })).toEqual([{ path: "upgradeStrategy.minimumHealthCapacity", before: undefined, after: 1 }]);
    expect(differences({}, { labels: {} })).toEqual([{ path: "labels", before: undefined, after: {} }]);
    expect(differences({ unreachableStrategy: "disabled" }, { unreachableStrategy: { inactiveAfterSeconds: 1 } })).toHaveLength(1);
  });
});

describe("an answer of the API", () => {
  it("of a lock names the deployments in the way", () => {
    const text = JSON.stringify({ message: "App is locked", deployments: [{ id: "d1" }, { id: "d2" }] });
    expect(outcomeOf(409, text)).toEqual({ kind: "locked", message: "App is locked", deployments: ["d1", "d2"] });
  });

  it("of a thing that exists is no lock", () => {
    expect(outcomeOf(409, '{"message":"An app with id [/a] already exists."}')).toMatchObject({ kind: "refused", status: 409, faults: [] });
  });

  it("has its faults by place, whatever else it is", () => {
    const text = JSON.stringify({ message: "Object is not valid", details: [{ path: "/id", errors: ["bad"] }] });
    expect(outcomeOf(422, text)).toMatchObject({ faults: [{ path: "/id", errors: ["bad"] }] });
    expect(outcomeOf(400, '{"message":"Invalid JSON","details":"line 1"}')).toMatchObject({ faults: [{ path: "/", errors: ["line 1"] }] });
    expect(outcomeOf(502, "")).toMatchObject({ message: "Marathon does not answer" });
    expect(outcomeOf(500, "<html>")).toMatchObject({ kind: "refused", message: "<html>" });
    expect(outcomeOf(204, "")).toEqual({ kind: "done", value: null });
  });
});

describe("an action", () => {
  it("asks what its words say", () => {
    const [scale, restart, suspend, destroy] = actionsOf(app({ id: "/s/a b" }), NOW);
    expect(scale?.request(5, "")).toEqual({ method: "PUT", path: "v2/apps/s/a%20b", body: { instances: 5 } });
    expect(restart?.request(0, "")).toEqual({ method: "POST", path: "v2/apps/s/a%20b/restart" });
    expect(suspend?.request(0, "")).toEqual({ method: "PUT", path: "v2/apps/s/a%20b", body: { instances: 0 } });
    expect([destroy?.danger, destroy?.request(0, "").method]).toEqual([true, "DELETE"]);
  });

  it("is there only where it makes sense", () => {
    const names = (row: Row): string[] => actionsOf(row, NOW).map(({ button }) => button);
    expect(names(app({ instances: 0 }))).toEqual(["Scale", "Destroy"]);
    expect(names(app({ delay_until: NOW + 9 }))).toContain("Reset delay");
    expect(names(app({ delay_until: NOW - 9 }))).not.toContain("Reset delay");
  });

  it("of groups multiplies", () => {
    const [scale, suspend] = groupActionsOf({ id: "/s", apps: 2, running: 3 });
    expect(scale?.request(1.5, "")).toEqual({ method: "PUT", path: "v2/groups/s", body: { scaleBy: 1.5 } });
    expect(suspend?.request(1, "").body).toEqual({ scaleBy: 0 });
  });

  it("of instances and deployments", () => {
    const one = { task_id: "t", hostname: "n" };
    expect(kill(one).request(0, "").query).toBeUndefined();
    expect(pathOf(killAndScale(one).request(0, ""))).toBe("v2/tasks/delete?scale=true");
    expect(pathOf(forced(killAndScale(one).request(0, "")))).toBe("v2/tasks/delete?scale=true&force=true");
    expect(pauseOrContinue({ id: "d", paused: false }).request(0, "").path).toBe("v2/deployments/d/pause");
    expect(pauseOrContinue({ id: "d", paused: true }).request(0, "").path).toBe("v2/deployments/d/continue");
    expect(cancel({ id: "d" }).request(0, "")).toEqual({ method: "DELETE", path: "v2/deployments/d" });
    expect(rollBack("/a", "v1").request(0, "").body).toEqual({ version: "v1" });
  });

  it("is the same by the command line, where that has it", () => {
    const [scale, , suspend, destroy] = actionsOf(app({ id: "/s/a" }), NOW);
    const texts = [scale, suspend, destroy].map((each) => cliOf(each as Action, 5, false)?.text);
    expect(texts).toEqual(["mesostw app scale /s/a 5", "mesostw app scale /s/a 0", "mesostw app delete /s/a"]);
    expect(cliOf(scale as Action, 5, true)?.text).toBe("mesostw app scale /s/a 5 --force");
    expect(cliOf(killAndScale({ app_id: "/a", task_id: "t" }), 0, false)?.text).toBe("mesostw app kill /a t --scale");
    expect(cliOf(groupActionsOf({ id: "/s" })[0] as Action, 2, false)).toBeNull();
  });

  it("escapes ids, but not their slashes", () => {
    expect(idPath("/a/b?c/ü")).toBe("a/b%3Fc/%C3%BC");
  });
});

describe("a shell's command", () => {
  it("is quoted", () => {
    const words = (globalThis as { document?: unknown }).document;
    (globalThis as { document?: unknown }).document = { baseURI: "http://m:5050/" };
    const { text } = curlOf({ method: "PUT", path: "v2/apps/a", body: { cmd: "echo 'hi'" } });
    expect(text).toBe(`curl -s -X PUT http://m:5050/marathon/v2/apps/a -H 'Content-Type: application/json' -d '{"cmd":"echo '\\''hi'\\''"}'`);
    (globalThis as { document?: unknown }).document = words;
  });
});

describe("why an app waits", () => {
  const funnel = [{ reason: "UnfulfilledRole", declined: 0, processed: 9 }, { reason: "InsufficientCpus", declined: 7, processed: 9 }, { reason: "InsufficientPorts", declined: 2, processed: 2 }];
  const entry = (more: object) => ({ count: 1, since: "", delay: { timeLeftSeconds: 0, overdue: true }, ...more });

  it("is the step that turned most offers down", () => {
    expect(dominant(funnel)?.reason).toBe("InsufficientCpus");
    expect(dominant([])).toBeNull();
    expect(waitingFor(entry({ processedOffersSummary: { processedOffersCount: 9, unusedOffersCount: 9, rejectSummaryLastOffers: funnel } }))).toBe("7 of 9 offers without enough CPU");
  });

  it("is the back-off before anything else, and no offer at all", () => {
    expect(waitingFor(entry({ delay: { timeLeftSeconds: 4, overdue: false } }))).toBe("backed off after failures");
    expect(waitingFor(entry({ processedOffersSummary: { processedOffersCount: 0, unusedOffersCount: 0 } }))).toBe("no offer has come yet");
  });
});

describe("a deployment", () => {
  it("gets on by steps", () => {
    expect(progressOf({ step: 1, steps: 3 })).toEqual([1, 3]);
    expect([0, 1, 2].map((at) => stepState(at, 1))).toEqual(["done", "now", "later"]);
    expect([targetWords("StopApplication", 0), targetWords("StartApplication", 0), targetWords("ScaleApplication", 3), targetWords("RestartApplication", 1)]).toEqual(["", "", " to 3", " (1 instance)"]);
  });

  it("is as far in a step as its apps are", () => {
    const row = { step: 1, steps: 2, plan: [[], [["RestartApplication", "/a", 4], ["ScaleApplication", "/b", 2]]], done: ["/b"] };
    const apps: Record<string, Row> = { "/a": app({ ready: 1 }) };
    expect(stepShare(row, (id) => apps[id])).toBeCloseTo((0.25 + 1) / 2);
    expect(stepShare({ ...row, done: [], plan: [[], [["StopApplication", "/a", 0]]] }, (id) => apps[id])).toBe(0);
    expect(stepShare({ step: 2, steps: 2, plan: row.plan }, () => undefined)).toBe(0);
  });

  it("is foretold by its group, with the other apps as they are", () => {
    const siblings = [{ id: "/g/a", cmd: "x", version: "1" }, { id: "/g/b", cmd: "y" }];
    const request = previewRequest("/g", siblings, { id: "/g/b", cmd: "z" });
    expect(pathOf(request)).toBe("v2/groups/g?dryRun=true");
    expect(request.body).toEqual({ apps: [{ id: "/g/a", cmd: "x" }, { id: "/g/b", cmd: "z" }] });
    expect(planWords({ steps: [{ actions: [{ action: "RestartApplication", app: "/g/b" }] }, { actions: [] }] })).toEqual(["replace /g/b"]);
  });
});

describe("what of Marathon needs attention", () => {
  it("is nothing while all is well, also for a launch that has just begun to wait", () => {
    const apps = [app({}), app({ id: "/b", waiting: 1, waiting_since: NOW - 2 })];
    expect(marathonMatters(apps, [{ id: "d", started: NOW - 20, apps: ["/b"] }], NOW)).toEqual([]);
  });

  it("is what waits long, is backed off, unhealthy, stuck or paused", () => {
    const apps = [
      app({ id: "/w", waiting: 1, waiting_since: NOW - 60 }), app({ id: "/d", waiting: 2, waiting_since: NOW - 60, delay_until: NOW + 9, failure: "exit 1" }),
      app({ id: "/u", unhealthy: 1 }),
    ];
    const deployments = [{ id: "d1", started: NOW - 900, apps: ["/s"], step: 0, steps: 2 }, { id: "d2", started: NOW - 9, paused: true, apps: ["/p", "/q"] }];
    const found = marathonMatters(apps, deployments, NOW);
    expect(found.map(({ what }) => what)).toEqual(["/s", "2 apps", "/w", "/d", "/u"]);
    expect(found.map(({ why }) => why)).toContain("2 of 2 wait: backed off after failures (exit 1)");
  });

  it("is what failed lately, and then its tasks are not listed beside it", () => {
    const apps = marathonMatters([app({ id: "/s/a", failed_at: NOW - 60, failure: "exit 3" }), app({ id: "/b", failed_at: NOW - 9_000 })], [], NOW);
    expect(apps.map(({ what, why }) => [what, why])).toEqual([["/s/a", "an instance failed: exit 3"]]);
    const told = toldByApps(apps, "F1");
    const task = (framework: string, id: string) => told({ framework_id: framework, id });
    expect([task("F1", "s_a.instance-1"), task("F1", "s_ab.instance-1"), task("F2", "s_a.instance-1")]).toEqual([true, false, false]);
  });

  it("counts what it does not list", () => {
    const apps = Array.from({ length: 20 }, (_, at) => app({ id: `/a${at}`, unhealthy: 1 }));
    expect(marathonMatters(apps, [], NOW).at(-1)).toMatchObject({ what: "12 more apps", count: 12 });
  });
});

describe("the way to the master's page", () => {
  it("is a web address that ends with a slash, or none", () => {
    expect([webAddress("http://m:5050"), webAddress("https://m/x//"), webAddress("javascript:alert(1)"), webAddress(null)]).toEqual(["http://m:5050/", "https://m/x/", null, null]);
  });
});

describe("whose page this is", () => {
  it("is told by where it is served", () => {
    for (const path of ["/ui/", "/marathon/ui/", "/ui/index.html"]) expect(homeOf(path), path).toBe("marathon");
    for (const path of ["/", "/mesos/", "/ui", "/ui/x"]) expect(homeOf(path), path).toBe("master");
  });

  it("is told by the framework that names itself in it", () => {
    expect(homeOf("/ui/", "chronos")).toBe("chronos");
    expect(homeOf("/ui/", "nobody")).toBe("marathon");
  });
});
