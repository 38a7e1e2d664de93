import type { Outside } from "./client";
import type { Snapshot } from "./frames";

/** Addresses stay relative to the page, so the dashboard works behind a path prefix. */
export function address(path: string): string {
  return new URL(path, document.baseURI).href;
}

function socketAddress(path: string): string {
  return address(path).replace(/^http/, "ws");
}

async function fetchSnapshot(base: string, topic: string): Promise<Snapshot> {
  const response = await fetch(address(`${base}api/v1/snapshot/${topic}`));
  if (!response.ok) throw new Error(`snapshot ${topic}: ${response.status}`);
  return (await response.json()) as Snapshot;
}

/** A hidden tab paints nothing; a timer then takes the place of the animation frame. */
function beforePaint(run: () => void): void {
  if (document.hidden) setTimeout(run, 250);
  else requestAnimationFrame(run);
}

/** The outside of a client whose server answers below `base`, an address relative to the page. */
export function browserAt(base: string): Outside {
  return {
    openSocket: (path, protocol) => new WebSocket(socketAddress(base + path), protocol),
    fetchSnapshot: (topic) => fetchSnapshot(base, topic),
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    beforePaint,
    now: () => Date.now(),
    random: () => Math.random(),
  };
}
