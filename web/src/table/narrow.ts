import { signal } from "@preact/signals";

const media = matchMedia("(max-width: 719px)");

/** Whether there is little room: a phone, or a zoomed page. */
export const isNarrow = signal(media.matches);
media.addEventListener("change", () => {
  isNarrow.value = media.matches;
});
