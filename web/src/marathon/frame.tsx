import type { ComponentChildren } from "preact";
import { number } from "../format";
import { Frame } from "../framework/frame";
import { followMarathon } from "../state";
import { presence, startMarathon } from "./presence";

export function MarathonFrame({ here, children }: { here: string; children: ComponentChildren }) {
  const row = followMarathon("marathon").only ?? {};
  const counted = (word: string, count: unknown): string => (Number(count) > 0 ? `${word} ${number(count)}` : word);
  const ways = [
    { word: "Apps", path: "apps" },
    { word: counted("Deployments", row.deployments), path: "deployments" },
    { word: counted("Queue", row.waiting), path: "queue" },
    { word: "Events", path: "mevents" },
  ];
  return (
    <Frame name="Marathon" things="Its apps" ways={ways} here={here} presence={presence} start={startMarathon} absent={absent}>
      {children}
    </Frame>
  );
}

function absent(name: string) {
  if (name === "") {
    return (
      <>
        <h1>Apps are not shown here</h1>
        <p>This master was started with <code>--framework_door=</code> and leads to no framework. Marathon shows its apps at its own <code>/ui/</code>.</p>
      </>
    );
  }
  return (
    <>
      <h1>No Marathon here</h1>
      <p>
        Apps are run by Marathon, and no framework named <code>{name}</code> is connected to this master. Start one with{" "}
        <code>twistd marathon --work_dir=DIR --master=HOST:5050</code>; this page shows it as soon as it has registered.
      </p>
      <p><a href="#/frameworks">All frameworks</a></p>
    </>
  );
}
