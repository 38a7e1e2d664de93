import { number } from "../format";
import { presence } from "../marathon/presence";
import { Mark } from "../parts/glyph";
import { followMarathon } from "../state";

/** How many deployments run, wherever one is; nothing while none does. */
export function UnderWay() {
  if (presence.value.kind !== "here") return null;
  const count = Number(followMarathon("marathon").only?.deployments ?? 0);
  if (count === 0) return null;
  const words = `${number(count)} ${count === 1 ? "deployment" : "deployments"}`;
  return (
    <a class="under-way" href="#/deployments" title={`${words} under way`} aria-label={`${words} under way`}>
      <Mark look={{ glyph: "half", tone: "progress", word: "" }} /> <b>{number(count)}</b> <span class="theme-word">{count === 1 ? "deployment" : "deployments"}</span>
    </a>
  );
}
