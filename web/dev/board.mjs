/** Numbered tables with handles, and a ring of changes to resume from: the server side of the protocol. */

const RING_MAX = 65_536;

export class Board {
  constructor(epoch, enums) {
    this.epoch = epoch;
    this.enums = enums;
    this.seq = 1;
    this.topics = new Map();
    this.peers = new Set();
  }

  topic(name) {
    let topic = this.topics.get(name);
    if (topic === undefined) {
      topic = { name, rows: new Map(), keys: new Map(), next: 1, ring: [], sent: this.seq };
      this.topics.set(name, topic);
    }
    return topic;
  }

  /** Adds, changes or (with null) removes the row of a key. */
  put(name, key, row) {
    const topic = this.topic(name);
    let handle = topic.keys.get(key);
    let op;
    if (row === null) {
      if (handle === undefined) return;
      topic.rows.delete(handle);
      topic.keys.delete(key);
      op = 0;
    } else if (handle === undefined) {
      handle = topic.next++;
      topic.keys.set(key, handle);
      topic.rows.set(handle, row);
      op = [1, this.coded(name, row)];
    } else {
      const old = topic.rows.get(handle);
      const patch = Object.fromEntries(Object.entries(row).filter(([k, v]) => old[k] !== v));
      if (Object.keys(patch).length === 0) return;
      topic.rows.set(handle, { ...old, ...patch });
      op = this.coded(name, patch);
    }
    topic.ring.push({ seq: ++this.seq, handle, op });
    if (topic.ring.length > RING_MAX) topic.ring.splice(0, RING_MAX / 4);
  }

  coded(name, row) {
    const result = { ...row };
    for (const [column, words] of Object.entries(this.enums[name] ?? {})) {
      if (column in result) result[column] = words.indexOf(result[column]);
    }
    return result;
  }

  snapshot(name) {
    const topic = this.topic(name);
    const rows = [...topic.rows.values()].map((row) => this.coded(name, row));
    const cols = {};
    for (const column of Object.keys(rows[0] ?? {})) cols[column] = rows.map((row) => row[column]);
    const h = [...topic.rows.keys()];
    const enums = this.enums[name] ?? {};
    return { v: 1, epoch: this.epoch, seq: this.seq, n: rows.length, h, cols, enums };
  }

  hear(peer, frame) {
    if (frame.t === "hello") {
      peer.at = new Map();
      this.peers.add(peer);
      peer.say({ t: "welcome", epoch: this.epoch, seq: this.seq, now: Date.now(), flush: 50 });
    } else if (frame.t === "sub") {
      const topic = this.topic(frame.topic);
      const [epoch, since] = frame.since;
      const oldest = topic.ring[0]?.seq ?? this.seq + 1;
      const forgotten = since + 1 < oldest && topic.ring.length >= RING_MAX / 2;
      if (epoch !== this.epoch || forgotten) {
        peer.say({ t: "reset", id: frame.id, why: epoch === this.epoch ? "gap" : "epoch" });
        return;
      }
      peer.say({ t: "ok", id: frame.id, enums: this.enums[frame.topic] ?? {} });
      peer.at.set(frame.topic, since);
      this.tell(peer, topic);
    }
  }

  tell(peer, topic) {
    const since = peer.at.get(topic.name);
    if (since === undefined || since >= this.seq) return;
    let index = topic.ring.length;
    while (index > 0 && topic.ring[index - 1].seq > since) index--;
    const c = topic.ring.slice(index).map((change) => [change.handle, change.op]);
    if (c.length > 0) peer.say({ t: "d", k: topic.name, q: [since + 1, this.seq], c });
    if (c.length > 0) peer.at.set(topic.name, this.seq);
  }

  flush() {
    for (const peer of this.peers) for (const topic of this.topics.values()) this.tell(peer, topic);
  }

  bookmark() {
    this.flush();
    for (const peer of this.peers) {
      for (const name of peer.at.keys()) peer.at.set(name, this.seq);
      peer.say({ t: "m", seq: this.seq, now: Date.now(), lag: 1 });
    }
  }
}
