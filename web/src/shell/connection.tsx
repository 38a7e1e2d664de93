import { clock, duration, number } from "../format";
import { home } from "../home";
import { connectionTurn, live, nowS, SELF } from "../state";
import { othersOf } from "./standing";

/** What the connection is like, in words, with how old the shown data are. */
export function ConnectionState() {
  void connectionTurn.value;
  const { connection } = live;
  let tone = "warn";
  let mark = "◌";
  let words = "";
  switch (connection.kind) {
    case "connecting":
      words = "connecting";
      break;
    case "live":
      [tone, mark] = ["ok", "●"];
      words = connection.delayMs === null ? "live" : `live ${connection.delayMs} ms`;
      break;
    case "caught-up":
      [tone, mark] = ["ok", "✓"];
      words = `caught up, ${number(connection.changes)} changes`;
      break;
    case "refreshed":
      [tone, mark, words] = ["ok", "⟲", "view refreshed"];
      break;
    case "reconnecting": {
      const wait = Math.ceil((connection.retryAt - (nowS.value * 1000 - live.clockOffsetMs)) / 1000);
      words = `reconnecting${wait > 0 ? ` in ${wait} s` : ""}`;
      break;
    }
    case "stale":
      [mark, words] = ["▲", `stale ${duration(connection.silentMs / 1000)}`];
      break;
    case "signed-out":
      [tone, mark, words] = ["bad", "✕", "signed out"];
  }
  return (
    <span class={`connection tone-${tone}`} data-connection={connection.kind}>
      <span aria-hidden="true">{mark}</span> {words}
      {/* Only the kind is spoken: the milliseconds would talk all day. */}
      <span class="unseen" role="status">{connection.kind.replace("-", " ")}</span>
    </span>
  );
}

const OLD_S = 2;
const NAMES = { master: "This master", marathon: "Marathon", chronos: "Chronos" } as const;

/** Says how old everything is while nothing arrives; the page stays readable below it. */
export function OldDataBar() {
  void connectionTurn.value;
  const { connection, dataAsOf } = live;
  const waits = connection.kind === "reconnecting" || connection.kind === "connecting";
  // A short break is over before anyone read about it; the page must not jump for it.
  if (dataAsOf === null || nowS.value - dataAsOf / 1000 < OLD_S) return null;
  const others = home === "master" ? othersOf(live.table(SELF).only) : [];
  if (!(waits || connection.kind === "stale" || connection.kind === "signed-out")) return null;
  return (
    <p class="old-data">
      <span>
        {waits ? `${NAMES[home]} does not answer` : "Not live"}: data as of {clock(dataAsOf)}, {duration(nowS.value - dataAsOf / 1000)} ago.
      </span>
      {connection.kind === "reconnecting" && (
        <button type="button" onClick={() => live.retryNow()}>Try now</button>
      )}
      {waits && others.length > 0 && (
        <span>
          Other masters: {others.map((address) => <a key={address} href={`${location.protocol}//${address}/${location.hash}`}>{address} </a>)}
        </span>
      )}
    </p>
  );
}
