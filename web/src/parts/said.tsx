import { signal } from "@preact/signals";

/** What was done last, said on every page for some seconds. */

const said = signal("");
const SAID_MS = 6_000;
let quiet: ReturnType<typeof setTimeout> | undefined;

export function say(words: string): void {
  said.value = words;
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    said.value = "";
  }, SAID_MS);
}

export function Said() {
  return <p class={said.value === "" ? "said unseen" : "said"} role="status">{said.value}</p>;
}
