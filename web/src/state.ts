import { signal, type Signal } from "@preact/signals";
import { baseOf, type Framework, home, standalone } from "./home";
import { browserAt } from "./live/browser";
import { LiveClient } from "./live/client";
import type { Row } from "./live/frames";
import type { Table } from "./live/table";

/** Joins the framework-free store to signals: a component that reads one is drawn again with it. */

/** What the page's connection state tells of: the master, or the framework that serves this page. */
export const live = new LiveClient(browserAt(home === "master" ? "" : baseOf(home)));

/** Frameworks' own feeds; behind a master each is followed once somebody wants it (`framework/presence`). */
const feedOf = (framework: Framework): LiveClient => (home === framework ? live : new LiveClient(browserAt(baseOf(framework))));
export const marathon = feedOf("marathon");
export const chronos = feedOf("chronos");

/** The topic with one row that says what serves this page. */
export const SELF = home === "master" ? "cluster" : home;

/** Counts up with each change of the connection's state. */
export const connectionTurn = signal(0);
/** The server's clock in seconds, once a second: every age on the page hangs on this one ticker. */
export const nowS = signal(Date.now() / 1000);

/** The table of a topic; reading it makes the component follow the topic. */
export type Follow = (topic: string) => Table;

function follower(client: LiveClient): Follow {
  const turns = new Map<string, Signal<number>>();
  return (topic) => {
    let turn = turns.get(topic);
    if (turn === undefined) {
      const made = signal(0);
      turn = made;
      turns.set(topic, made);
      client.listen(topic, () => {
        made.value++;
      });
    }
    void turn.value;
    return client.table(topic);
  };
}

export const follow = follower(live);
export const followMarathon = home === "marathon" ? follow : follower(marathon);
export const followChronos = home === "chronos" ? follow : follower(chronos);

/** One sample of the cluster's use, for the small curves of the overview. */
export interface Sample {
  readonly at: number;
  readonly row: Row;
}

const SAMPLE_S = 5;
const SAMPLES_MAX = 180;

/** The last 15 minutes as this page saw them. */
export const samples = signal<readonly Sample[]>([]);

function tick(): void {
  nowS.value = live.serverNow() / 1000;
  const cluster = standalone ? undefined : live.table("cluster").only;
  const last = samples.value.at(-1);
  if (cluster !== undefined && (last === undefined || nowS.value - last.at >= SAMPLE_S)) {
    samples.value = [...samples.value, { at: nowS.value, row: cluster }].slice(-SAMPLES_MAX);
  }
}

export function startLive(): void {
  live.listenConnection(() => {
    connectionTurn.value++;
  });
  follow(SELF);
  live.start();
  document.addEventListener("visibilitychange", () => live.setHidden(document.hidden));
  addEventListener("online", () => live.retryNow());
  setInterval(tick, 1000);
}
