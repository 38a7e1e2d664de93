import type { Outside, Socket } from "../src/live/client";
import type { Op, Row, Snapshot } from "../src/live/frames";

/** A small deterministic generator (mulberry32): the same seed gives the same schedule. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

interface Change {
  seq: number;
  handle: number;
  op: Op;
}

class Pipe implements Socket {
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  /** Frames on their way to the page. A break loses them. */
  toPage: object[] = [];
  sent = new Map<string, number>();
  ids = new Map<string, number>();
  open = false;
  closed = false;

  constructor(private readonly heard: (pipe: Pipe, frame: never) => void) {}

  send(text: string): void {
    if (!this.closed) this.heard(this, JSON.parse(text) as never);
  }

  close(): void {
    this.closed = true;
  }
}

const RING = 12;
export const ENUMS = { state: ["running", "failed", "gone"] };

/** The server's side of the protocol for one topic `t`, with time, sockets and loss in the test's hand. */
export class ModelServer {
  epoch = "e1";
  seq = 0;
  rows = new Map<number, Record<string, unknown>>();
  pipes: Pipe[] = [];
  snapshots = 0;
  time = 1_790_000_000_000;
  private ring: Change[] = [];
  private nextHandle = 1;
  private timers: { at: number; run: () => void }[] = [];
  private paints: (() => void)[] = [];
  private answers: (() => void)[] = [];

  constructor(readonly random: () => number) {}

  outside(): Outside {
    return {
      openSocket: () => {
        const pipe = new Pipe((from, frame) => this.hear(from, frame));
        this.pipes.push(pipe);
        return pipe;
      },
      fetchSnapshot: () => {
        this.snapshots++;
        const snapshot = this.snapshot();
        return new Promise((resolve) => this.answers.push(() => resolve(snapshot)));
      },
      after: (delay, run) => {
        const timer = { at: this.time + delay, run };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((other) => other !== timer);
        };
      },
      beforePaint: (run) => void this.paints.push(run),
      now: () => this.time,
      random: this.random,
    };
  }

  snapshot(): Snapshot {
    const handles = [...this.rows.keys()];
    const rows = [...this.rows.values()];
    const cols = { n: rows.map((row) => row.n), state: rows.map((row) => row.state) };
    return { v: 1, epoch: this.epoch, seq: this.seq, n: rows.length, h: handles, cols, enums: ENUMS };
  }

  /** What the page should end with. */
  wanted(): Map<number, Row> {
    const rows = new Map<number, Row>();
    for (const [handle, row] of this.rows) {
      rows.set(handle, { n: row.n, state: ENUMS.state[row.state as number] });
    }
    return rows;
  }

  add(): number {
    const handle = this.nextHandle++;
    const row = { n: this.seq, state: 0 };
    this.rows.set(handle, row);
    this.note(handle, [1, { ...row }]);
    return handle;
  }

  patch(handle: number, patch: Record<string, unknown>): void {
    Object.assign(this.rows.get(handle) as object, patch);
    this.note(handle, patch);
  }

  remove(handle: number): void {
    this.rows.delete(handle);
    this.note(handle, 0);
  }

  /** A new leader: other handles, a counter from zero. */
  newEpoch(): void {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}`;
    const rows = [...this.rows.values()];
    this.rows = new Map(rows.map((row, index) => [index + 100, row]));
    this.nextHandle = rows.length + 100;
    this.seq = Math.floor(this.random() * 5);
    this.ring = [];
    this.breakAll();
  }

  flush(): void {
    for (const pipe of this.live()) this.sendSince(pipe);
  }

  bookmark(): void {
    this.flush();
    for (const pipe of this.live()) pipe.toPage.push({ t: "m", seq: this.seq, now: this.time, lag: 1 });
  }

  /** Delivers some frames, each perhaps twice. */
  deliver(count: number, twice = 0): void {
    for (const pipe of this.pipes) {
      if (!pipe.open && !pipe.closed) {
        pipe.open = true;
        pipe.onopen?.({} as Event);
      }
      for (const frame of pipe.toPage.splice(0, count)) {
        const data = JSON.stringify(frame);
        pipe.onmessage?.({ data } as MessageEvent);
        if (this.random() < twice) pipe.onmessage?.({ data } as MessageEvent);
      }
    }
  }

  /** The link ends; what was on its way is lost. */
  breakAll(code = 1006): void {
    for (const pipe of this.pipes.splice(0)) {
      pipe.closed = true;
      pipe.toPage = [];
      pipe.onclose?.({ code } as CloseEvent);
    }
  }

  reset(why: string): void {
    for (const pipe of this.live()) {
      pipe.toPage.push({ t: "reset", id: pipe.ids.get("t"), why });
      pipe.sent.clear();
    }
  }

  async answer(): Promise<void> {
    for (const answer of this.answers.splice(0)) answer();
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  }

  paint(): void {
    for (const run of this.paints.splice(0)) run();
  }

  pass(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      this.timers.sort((a, b) => a.at - b.at);
      const next = this.timers[0];
      if (next === undefined || next.at > until) break;
      this.timers.shift();
      this.time = Math.max(this.time, next.at);
      next.run();
    }
    this.time = until;
  }

  /** Everything arrives, until nothing is left to happen. */
  async settle(): Promise<void> {
    for (let round = 0; round < 40; round++) {
      this.bookmark();
      this.deliver(1000);
      await this.answer();
      this.pass(500);
      this.paint();
    }
  }

  private live(): Pipe[] {
    return this.pipes.filter((pipe) => pipe.open && !pipe.closed);
  }

  private note(handle: number, op: Op): void {
    this.ring.push({ seq: ++this.seq, handle, op });
    if (this.ring.length > RING) this.ring.shift();
  }

  private hear(pipe: Pipe, frame: { t: string; id: number; since: [string, number] }): void {
    if (frame.t === "hello") {
      const { epoch, seq, time: now } = this;
      pipe.toPage.push({ t: "welcome", epoch, seq, now, flush: 50 });
    }
    if (frame.t !== "sub") return;
    const [epoch, since] = frame.since;
    const oldest = this.ring[0]?.seq ?? this.seq + 1;
    pipe.ids.set("t", frame.id);
    if (epoch !== this.epoch || since + 1 < oldest) {
      pipe.toPage.push({ t: "reset", id: frame.id, why: epoch === this.epoch ? "gap" : "epoch" });
      return;
    }
    pipe.toPage.push({ t: "ok", id: frame.id, enums: ENUMS });
    pipe.sent.set("t", since);
    this.sendSince(pipe);
  }

  private sendSince(pipe: Pipe): void {
    const since = pipe.sent.get("t");
    if (since === undefined || since >= this.seq) return;
    const changes = this.ring.filter((change) => change.seq > since);
    if ((changes[0]?.seq ?? 0) > since + 1) return this.reset("slow");
    const q = [since + 1, this.seq];
    const c = changes.map((change) => [change.handle, change.op]);
    pipe.toPage.push({ t: "d", k: "t", q, c });
    pipe.sent.set("t", this.seq);
  }
}
