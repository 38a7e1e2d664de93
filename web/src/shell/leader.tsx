import { useRef } from "preact/hooks";
import { clock, duration } from "../format";
import { home } from "../home";
import { follow, nowS, SELF } from "../state";
import { isNews, led, type Led, standingOf } from "./standing";

const at = (address: string): string => `${location.protocol}//${address}/${location.hash}`;

/** Says that this is a copy and how old it is, and for a while that another master leads. */
export function LeaderBar() {
  const last = useRef<Led | null>(null);
  if (home !== "master") return null;
  const row = follow(SELF).only;
  const now = nowS.value;
  const standing = standingOf(row);
  last.current = led(last.current, String(row?.leader ?? ""), now);
  return (
    <>
      {isNews(last.current, now) && (
        <p class="old-data" role="status" data-leader="changed">
          Another master leads now: {last.current.leader} (before: {last.current.before}).
        </p>
      )}
      {standing.kind === "following" && (
        <p class="copied muted" data-copy="following">
          Copy of <a href={at(standing.leader)}>{standing.leader}</a>, {standing.behindS > 0 ? `${standing.behindS} s behind` : "live"}
        </p>
      )}
      {standing.kind === "stale" && (
        <p class="old-data" role="alert" data-copy="stale">
          No leader can be followed: this is a copy of {standing.leader} as of {clock(standing.asOfS * 1000)}, {duration(now - standing.asOfS)} ago.
        </p>
      )}
      {standing.kind === "waiting" && (
        <p class="old-data" role="status" data-copy="waiting">This master waits to lead, and has no copy of a leader yet.</p>
      )}
    </>
  );
}
