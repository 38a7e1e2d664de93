import { type ClientFrame, readFrame, type ServerFrame, type Snapshot, SUBPROTOCOL } from "./frames";
import type { Changes, Table } from "./table";
import { type Effect, type Stimulus, Topic } from "./topic";

/** The part of a WebSocket that is used here. */
export interface Socket {
  send(text: string): void;
  close(): void;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
}

/** Everything outside: given by `browser.ts` in the page and by the tests' own in the tests. */
export interface Outside {
  openSocket(path: string, protocol: string): Socket;
  fetchSnapshot(topic: string): Promise<Snapshot>;
  /** Runs once, not before the delay; the answer cancels it. */
  after(delayMs: number, run: () => void): () => void;
  /** Runs once before the next paint, soon even when nothing is painted. */
  beforePaint(run: () => void): void;
  /** Milliseconds since 1970 by this machine's clock. */
  now(): number;
  /** In [0, 1). */
  random(): number;
}

export type Connection =
  | { kind: "connecting" }
  /** `delayMs`: from the server's clock to this page, estimated; null until known. */
  | { kind: "live"; delayMs: number | null }
  /** Live again after an outage of which nothing was missed: shown for a few seconds. */
  | { kind: "caught-up"; changes: number }
  /** The tables were fetched anew. */
  | { kind: "refreshed" }
  | { kind: "reconnecting"; retryAt: number }
  /** The socket stands, but has said nothing for so many milliseconds. */
  | { kind: "stale"; silentMs: number }
  | { kind: "signed-out" };

const RETRY_MS: readonly [number, number] = [250, 8_000];
/** Bookmarks come every 5 s; two missing ones are a bad sign. */
const STALE_MS = 12_000;
const GIVE_UP_MS = 30_000;
const NOTICE_MS = 4_000;
const WATCH_MS = 1_000;
const CLOSE_SIGNED_OUT = 4401;

type Listener = (changes: Changes) => void;

/** Keeps the topics that were asked for equal to the server's, through every loss of the socket. */
export class LiveClient {
  connection: Connection = { kind: "connecting" };
  /** The server's clock when it last spoke; null before that. */
  dataAsOf: number | null = null;
  /** Server clock minus this machine's, in milliseconds: ages are told by the server's clock. */
  clockOffsetMs = 0;
  version: string | null = null;

  private readonly topics = new Map<string, Topic>();
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly dirty = new Set<Topic>();
  private readonly onConnection = new Set<() => void>();
  private socket: Socket | null = null;
  private welcomed = false;
  private hadData = false;
  private attempts = 0;
  private retryRange = RETRY_MS;
  private heardAt = 0;
  private helloAt = 0;
  private roundTripMs = 0;
  private readonly askedAt = new Map<number, number>();
  private cancelRetry: (() => void) | null = null;
  private paintAsked = false;
  private caughtUp = 0;
  private noticeUntil = 0;
  private hidden = false;

  constructor(private readonly outside: Outside) {}

  start(): void {
    this.connect();
    this.watch();
  }

  /** The table of a topic; the first call subscribes. */
  table(name: string): Table {
    let topic = this.topics.get(name);
    if (topic === undefined) {
      topic = new Topic(name, this.topics.size + 1);
      this.topics.set(name, topic);
      this.perform(topic, topic.start());
      if (this.welcomed) this.tell(topic, { kind: "connected" });
    }
    return topic.table;
  }

  /** Calls at most once a frame with what changed; the answer unsubscribes the listener. */
  listen(name: string, listener: Listener): () => void {
    this.table(name);
    const set = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, set.add(listener));
    return () => set.delete(listener);
  }

  listenConnection(listener: () => void): () => void {
    this.onConnection.add(listener);
    return () => this.onConnection.delete(listener);
  }

  setHidden(hidden: boolean): void {
    this.hidden = hidden;
    if (this.welcomed) this.send({ t: "vis", hidden });
    if (!hidden) this.retryNow();
  }

  /** Ends the waiting between two attempts: the network or the user came back. */
  retryNow(): void {
    if (this.cancelRetry === null) return;
    this.cancelRetry();
    this.cancelRetry = null;
    this.connect();
  }

  serverNow(): number {
    return this.outside.now() + this.clockOffsetMs;
  }

  private connect(): void {
    const socket = this.outside.openSocket("api/v1/live", SUBPROTOCOL);
    this.socket = socket;
    this.heardAt = this.outside.now();
    socket.onopen = () => {
      this.helloAt = this.outside.now();
      this.send({ t: "hello", v: 1, client: "ui/0.1" });
    };
    socket.onmessage = (event) => {
      if (this.socket !== socket || typeof event.data !== "string") return;
      const frame = readFrame(event.data);
      if (frame !== null) this.hear(frame);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.code);
    };
  }

  private hear(frame: ServerFrame): void {
    this.heardAt = this.outside.now();
    if (frame.t === "welcome") this.welcome(frame);
    else if (frame.t === "bye") {
      if (frame.retry !== undefined) this.retryRange = frame.retry;
    } else {
      if (frame.t === "m") this.bookmark(frame);
      // What arrives is as fresh as now, also between two bookmarks.
      else if (frame.t === "d") this.dataAsOf = this.serverNow();
      else if (frame.t === "ok") this.measure(this.askedAt.get(frame.id));
      for (const topic of this.topics.values()) this.tell(topic, { kind: "frame", frame });
      if (this.connection.kind === "stale") this.becomeLive(null);
    }
  }

  private welcome(frame: ServerFrame & { t: "welcome" }): void {
    const now = this.outside.now();
    this.roundTripMs = Math.max(0, now - this.helloAt);
    this.askedAt.clear();
    this.clockOffsetMs = frame.now + this.roundTripMs / 2 - now;
    this.dataAsOf = frame.now;
    this.version = frame.version ?? null;
    this.welcomed = true;
    this.attempts = 0;
    this.retryRange = RETRY_MS;
    const returning = this.hadData;
    this.hadData = true;
    this.caughtUp = 0;
    if (this.hidden) this.send({ t: "vis", hidden: true });
    for (const topic of this.topics.values()) this.tell(topic, { kind: "connected" });
    this.becomeLive(null);
    if (returning) this.note({ kind: "caught-up", changes: 0 });
  }

  /** The quickest answer to a question tells the way best; a busy page answers itself late. */
  private measure(askedAt: number | undefined): void {
    if (askedAt === undefined) return;
    const now = this.outside.now();
    const quicker = Math.max(0, Math.min(this.roundTripMs, now - askedAt));
    this.clockOffsetMs -= (this.roundTripMs - quicker) / 2;
    this.roundTripMs = quicker;
  }

  private bookmark(frame: ServerFrame & { t: "m" }): void {
    const now = this.outside.now();
    const offset = frame.now - now;
    // The least delayed frame shows the clocks' difference best; let it forget slowly (1 ms each).
    this.clockOffsetMs = Math.max(this.clockOffsetMs - 1, offset + this.roundTripMs / 2);
    this.dataAsOf = frame.now;
    const delay = now + this.clockOffsetMs - frame.now + (frame.lag ?? 0);
    if (now >= this.noticeUntil) this.becomeLive(Math.max(1, Math.round(delay)));
  }

  private lost(code: number): void {
    this.socket = null;
    this.welcomed = false;
    for (const topic of this.topics.values()) this.tell(topic, { kind: "disconnected" });
    if (code === CLOSE_SIGNED_OUT) return this.become({ kind: "signed-out" });
    const [least, most] = this.retryRange;
    const wait = Math.min(most, least * 2 ** Math.min(this.attempts++, 10));
    const delayMs = wait * (0.5 + this.outside.random() / 2);
    this.become({ kind: "reconnecting", retryAt: this.outside.now() + delayMs });
    this.cancelRetry = this.outside.after(delayMs, () => {
      this.cancelRetry = null;
      this.connect();
    });
  }

  /** Once a second: notices end, silence is noticed. */
  private watch(): void {
    const now = this.outside.now();
    const silentMs = now - this.heardAt;
    if (this.socket !== null && silentMs > GIVE_UP_MS) {
      const socket = this.socket;
      this.lost(0);
      socket.close();
    } else if (this.welcomed && silentMs > STALE_MS) this.become({ kind: "stale", silentMs });
    else if (this.noticeUntil !== 0 && now >= this.noticeUntil && this.welcomed) {
      this.noticeUntil = 0;
      this.becomeLive(null);
    }
    this.outside.after(WATCH_MS, () => this.watch());
  }

  private tell(topic: Topic, stimulus: Stimulus): void {
    this.perform(topic, topic.hear(stimulus));
  }

  private perform(topic: Topic, effects: Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") this.send(effect.frame);
      else if (effect.kind === "changed") this.changed(topic, effect.rows, effect.again);
      else if (effect.delayMs === 0) this.fetch(topic);
      else this.outside.after(effect.delayMs, () => this.fetch(topic));
    }
  }

  private fetch(topic: Topic): void {
    this.outside.fetchSnapshot(topic.name).then(
      (snapshot) => this.tell(topic, { kind: "snapshot", snapshot }),
      () => this.tell(topic, { kind: "snapshot-failed" }),
    );
  }

  private changed(topic: Topic, rows: number, again: boolean): void {
    if (again) this.note({ kind: "refreshed" });
    else if (this.connection.kind === "caught-up") {
      this.caughtUp += rows;
      this.become({ kind: "caught-up", changes: this.caughtUp });
    }
    this.dirty.add(topic);
    if (this.paintAsked) return;
    this.paintAsked = true;
    this.outside.beforePaint(() => this.notify());
  }

  private notify(): void {
    this.paintAsked = false;
    const topics = [...this.dirty];
    this.dirty.clear();
    for (const topic of topics) {
      const changes = topic.table.takeChanges();
      for (const listener of this.listeners.get(topic.name) ?? []) listener(changes);
    }
  }

  private note(connection: Connection): void {
    this.noticeUntil = this.outside.now() + NOTICE_MS;
    this.become(connection);
  }

  private becomeLive(delayMs: number | null): void {
    this.become({ kind: "live", delayMs });
  }

  private become(connection: Connection): void {
    this.connection = connection;
    for (const listener of this.onConnection) listener();
  }

  private send(frame: ClientFrame): void {
    if (frame.t === "sub") this.askedAt.set(frame.id, this.outside.now());
    this.socket?.send(JSON.stringify(frame));
  }
}
