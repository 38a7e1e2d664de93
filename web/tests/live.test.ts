import { describe, expect, it } from "vitest";
import { LiveClient } from "../src/live/client";
import type { ServerFrame, Snapshot } from "../src/live/frames";
import { readFrame } from "../src/live/frames";
import { Table } from "../src/live/table";
import { type Effect, Topic } from "../src/live/topic";
import { ModelServer, seeded } from "./live-server";

const SNAPSHOT: Snapshot = {
  v: 1,
  epoch: "e7",
  seq: 10,
  n: 2,
  h: [4, 9],
  cols: { id: ["a", "b"], state: [0, 1] },
  enums: { state: ["TASK_RUNNING", "TASK_FAILED"] },
};

function delta(first: number, last: number, c: (ServerFrame & { t: "d" })["c"]): ServerFrame {
  return { t: "d", k: "tasks", q: [first, last], c };
}

function liveTopic(): Topic {
  const topic = new Topic("tasks", 3);
  topic.start();
  topic.hear({ kind: "connected" });
  topic.hear({ kind: "snapshot", snapshot: SNAPSHOT });
  topic.hear({ kind: "frame", frame: { t: "ok", id: 3 } });
  return topic;
}

function sinceOf(effects: Effect[]): unknown {
  const effect = effects.find((each) => each.kind === "send");
  return effect?.kind === "send" && effect.frame.t === "sub" ? effect.frame.since : undefined;
}

describe("a table", () => {
  it("decodes enum columns of snapshots, patches and added rows", () => {
    const table = new Table();
    table.load(SNAPSHOT);
    table.apply([
      [4, { state: 1 }],
      [11, [1, { id: "c", state: 0 }]],
    ]);
    expect([...table.rows.values()]).toEqual([
      { id: "a", state: "TASK_FAILED" },
      { id: "b", state: "TASK_FAILED" },
      { id: "c", state: "TASK_RUNNING" },
    ]);
  });

  it("shows an enum number it has no word for instead of hiding the row's state", () => {
    const table = new Table();
    table.load(SNAPSHOT);
    table.apply([[4, { state: 77 }]]);
    expect(table.rows.get(4)?.state).toBe("#77");
  });

  it("replaces a row object only when that row changed", () => {
    const table = new Table();
    table.load(SNAPSHOT);
    const before = table.rows.get(9);
    table.apply([[4, { id: "z" }]]);
    expect(table.rows.get(9)).toBe(before);
    expect(table.takeChanges().all).toBe(true);
    table.apply([[4, 0]]);
    expect(table.takeChanges()).toEqual({ all: false, handles: new Set([4]) });
  });
});

describe("a topic", () => {
  it("subscribes from where its snapshot ends", () => {
    const topic = new Topic("tasks", 3);
    expect(topic.start()).toEqual([{ kind: "fetch", delayMs: 0 }]);
    topic.hear({ kind: "connected" });
    expect(sinceOf(topic.hear({ kind: "snapshot", snapshot: SNAPSHOT }))).toEqual(["e7", 10]);
    expect(topic.phase).toBe("joining");
  });

  it("resumes after a lost link by epoch and number, with no new snapshot", () => {
    const topic = liveTopic();
    topic.hear({ kind: "frame", frame: delta(11, 14, [[4, { id: "x" }]]) });
    topic.hear({ kind: "frame", frame: { t: "m", seq: 20, now: 0 } });
    topic.hear({ kind: "disconnected" });
    expect(sinceOf(topic.hear({ kind: "connected" }))).toEqual(["e7", 20]);
    expect(topic.table.rows.get(4)?.id).toBe("x");
  });

  it("ignores a frame that came twice", () => {
    const topic = liveTopic();
    topic.hear({ kind: "frame", frame: delta(11, 12, [[9, { id: "new" }]]) });
    topic.hear({ kind: "frame", frame: delta(13, 13, [[9, 0]]) });
    topic.hear({ kind: "frame", frame: delta(11, 12, [[9, { id: "new" }]]) });
    expect(topic.table.rows.has(9)).toBe(false);
    expect(topic.phase).toBe("live");
  });

  it("asks again from its last number when numbers are missing", () => {
    const topic = liveTopic();
    const effects = topic.hear({ kind: "frame", frame: delta(13, 14, [[4, 0]]) });
    expect(sinceOf(effects)).toEqual(["e7", 10]);
    expect(topic.table.rows.has(4)).toBe(true);
  });

  it("ignores what an older subscription still sends before the new one's ok", () => {
    const topic = liveTopic();
    topic.hear({ kind: "frame", frame: delta(13, 14, [[4, 0]]) });
    topic.hear({ kind: "frame", frame: delta(11, 11, [[4, 0]]) });
    expect(topic.table.rows.has(4)).toBe(true);
    topic.hear({ kind: "frame", frame: { t: "ok", id: 3 } });
    topic.hear({ kind: "frame", frame: delta(11, 14, [[4, 0]]) });
    expect(topic.table.rows.has(4)).toBe(false);
  });

  it("takes a quiet gap that a bookmark covered", () => {
    const topic = liveTopic();
    topic.hear({ kind: "frame", frame: { t: "m", seq: 50, now: 0 } });
    const effects = topic.hear({ kind: "frame", frame: delta(51, 51, [[4, { id: "q" }]]) });
    expect(effects).toEqual([{ kind: "changed", rows: 1, again: false }]);
  });

  it("fetches after a reset, later each time while it keeps missing", () => {
    const topic = liveTopic();
    expect(topic.hear({ kind: "frame", frame: { t: "reset", id: 3, why: "slow" } })).toEqual([
      { kind: "fetch", delayMs: 0 },
    ]);
    expect(topic.hear({ kind: "snapshot-failed" })).toEqual([{ kind: "fetch", delayMs: 250 }]);
    expect(topic.hear({ kind: "snapshot-failed" })).toEqual([{ kind: "fetch", delayMs: 500 }]);
    for (let miss = 0; miss < 20; miss++) topic.hear({ kind: "snapshot-failed" });
    expect(topic.hear({ kind: "snapshot-failed" })).toEqual([{ kind: "fetch", delayMs: 8000 }]);
  });

  it("keeps its old rows readable until the new snapshot is there", () => {
    const topic = liveTopic();
    topic.hear({ kind: "frame", frame: { t: "reset", id: 3, why: "epoch" } });
    expect(topic.table.rows.size).toBe(2);
    topic.hear({ kind: "snapshot", snapshot: { ...SNAPSHOT, epoch: "e8", n: 0, h: [], cols: {} } });
    expect(topic.table.rows.size).toBe(0);
  });

  it("is not made live by an ok that was on its way when it was reset", () => {
    const topic = liveTopic();
    topic.hear({ kind: "frame", frame: { t: "reset", id: 3, why: "slow" } });
    topic.hear({ kind: "frame", frame: { t: "ok", id: 3 } });
    topic.hear({ kind: "frame", frame: delta(11, 11, [[4, 0]]) });
    expect(topic.phase).toBe("loading");
    expect(topic.table.rows.has(4)).toBe(true);
  });

  it("fetches when a patch names a row it does not have", () => {
    const topic = liveTopic();
    const effects = topic.hear({ kind: "frame", frame: delta(11, 11, [[404, { id: "?" }]]) });
    expect(effects).toEqual([{ kind: "fetch", delayMs: 0 }]);
  });
});

describe("a frame", () => {
  it("that is not JSON or has no type is no frame", () => {
    expect(readFrame("{")).toBeNull();
    expect(readFrame("[]")).toBeNull();
    expect(readFrame("null")).toBeNull();
    expect(readFrame('{"t":"m","seq":1,"now":2}')).toEqual({ t: "m", seq: 1, now: 2 });
  });
});

function started(seed = 1): { server: ModelServer; client: LiveClient } {
  const server = new ModelServer(seeded(seed));
  const client = new LiveClient(server.outside());
  client.table("t");
  client.start();
  return { server, client };
}

describe("a live client", () => {
  it("tells listeners once a frame, however many changes came", async () => {
    const { server, client } = started();
    const heard: number[] = [];
    client.listen("t", (changes) => heard.push(changes.all ? -1 : changes.handles.size));
    await server.settle();
    for (let count = 0; count < 5; count++) {
      server.add();
      server.flush();
    }
    server.deliver(100);
    server.paint();
    expect(heard).toEqual([-1, 5]);
  });

  it("says when it will try again, and is caught up afterwards without a snapshot", async () => {
    const { server, client } = started();
    await server.settle();
    expect(client.connection.kind).toBe("live");
    server.breakAll();
    const waiting = client.connection;
    expect(waiting.kind).toBe("reconnecting");
    const delay = waiting.kind === "reconnecting" ? waiting.retryAt - server.time : 0;
    expect(delay).toBeGreaterThanOrEqual(125);
    expect(delay).toBeLessThanOrEqual(250);
    server.add();
    server.add();
    server.pass(300);
    for (let round = 0; round < 4; round++) server.deliver(10);
    expect(client.connection).toEqual({ kind: "caught-up", changes: 2 });
    expect(server.snapshots).toBe(1);
    server.pass(5_000);
    expect(client.connection.kind).toBe("live");
  });

  it("says that the view was refreshed when the epoch is another", async () => {
    const { server, client } = started();
    server.add();
    await server.settle();
    server.newEpoch();
    server.pass(300);
    for (let round = 0; round < 4; round++) server.deliver(10);
    await server.answer();
    expect(client.connection.kind).toBe("refreshed");
    await server.settle();
    expect(client.table("t").rows).toEqual(server.wanted());
  });

  it("waits longer after each failure, up to the limit, and not at all when asked", () => {
    const { server, client } = started();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 9; attempt++) {
      server.breakAll();
      const waiting = client.connection;
      if (waiting.kind !== "reconnecting") throw new Error(waiting.kind);
      delays.push(waiting.retryAt - server.time);
      client.retryNow();
      expect(server.pipes).toHaveLength(1);
    }
    delays.forEach((delay, attempt) => {
      const wait = Math.min(8_000, 250 * 2 ** attempt);
      expect(delay).toBeGreaterThanOrEqual(wait / 2);
      expect(delay).toBeLessThanOrEqual(wait);
    });
  });

  it("is stale when the server is silent, and starts over in the end", async () => {
    const { server, client } = started();
    await server.settle();
    server.pass(14_000);
    expect(client.connection.kind).toBe("stale");
    server.bookmark();
    server.deliver(10);
    expect(client.connection.kind).toBe("live");
    server.pass(32_000);
    expect(["reconnecting", "connecting", "stale"]).toContain(client.connection.kind);
    await server.settle();
    expect(client.connection.kind).toBe("live");
  });

  it("does not come back by itself after it was signed out", async () => {
    const { server, client } = started();
    await server.settle();
    server.breakAll(4401);
    server.pass(60_000);
    expect(client.connection.kind).toBe("signed-out");
    expect(server.pipes).toHaveLength(0);
  });

  it("tells ages by the server's clock", async () => {
    const { server, client } = started();
    await server.settle();
    const ahead = 3_600_000;
    server.pipes[0]?.toPage.push({ t: "m", seq: server.seq, now: server.time + ahead });
    server.deliver(10);
    expect(client.serverNow() - server.time).toBeGreaterThanOrEqual(ahead);
  });
});

async function randomSchedule(seed: number): Promise<void> {
  const random = seeded(seed);
  const { server, client } = started(seed + 1);
  const pick = (): number | undefined => {
    const handles = [...server.rows.keys()];
    return handles[Math.floor(random() * handles.length)];
  };
  for (let step = 0; step < 150; step++) {
    const dice = random();
    const handle = pick();
    if (dice < 0.2 || handle === undefined) server.add();
    else if (dice < 0.4) server.patch(handle, { n: step, state: step % 3 });
    else if (dice < 0.48) server.remove(handle);
    else if (dice < 0.6) server.flush();
    else if (dice < 0.65) server.bookmark();
    else if (dice < 0.8) server.deliver(1 + Math.floor(random() * 4), 0.3);
    else if (dice < 0.88) await server.answer();
    else if (dice < 0.94) server.pass(random() * 600);
    else if (dice < 0.97) server.breakAll();
    else if (dice < 0.985) server.reset("slow");
    else server.newEpoch();
  }
  await server.settle();
  expect(client.table("t").rows).toEqual(server.wanted());
}

describe("any schedule of loss, repetition, resets and new epochs", () => {
  it("ends with the page's table equal to the server's (300 seeds)", async () => {
    for (let seed = 1; seed <= 300; seed++) {
      try {
        await randomSchedule(seed);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});
