import type { ComponentChildren } from "preact";
import { moment, number } from "../format";
import { Frame } from "../framework/frame";
import { ask } from "../framework/dialog";
import { followChronos } from "../state";
import { resume } from "./actions";
import { chronosPresence, startChronos } from "./presence";

export function ChronosFrame({ here, children }: { here: string; children: ComponentChildren }) {
  const row = followChronos("chronos").only ?? {};
  const live = Number(row.running) > 0 ? ` ${number(row.running)}` : "";
  const ways = [
    { word: "Jobs", path: "jobs" },
    { word: `Runs${live}`, path: "runs" },
    { word: "Schedule", path: "schedule" },
    { word: "Events", path: "jevents" },
  ];
  return (
    <Frame name="Chronos" things="Its tasks" ways={ways} here={here} presence={chronosPresence} start={startChronos} absent={absent}>
      {row.paused === true && (
        <p class="old-data">
          <span>
            <b>Paused:</b> nothing is started since {moment(row.paused_since)}{row.paused_by ? `, by ${row.paused_by}` : ""}
            {row.paused_why ? ` (${row.paused_why})` : ""}. What is due meanwhile is caught up with, as each job says.
          </span>
          <button type="button" onClick={() => ask(resume())}>Resume</button>
        </p>
      )}
      {children}
    </Frame>
  );
}

function absent(name: string) {
  if (name === "") {
    return (
      <>
        <h1>Jobs are not shown here</h1>
        <p>This master was started with <code>--chronos_door=</code> and leads to no Chronos. Chronos shows its jobs at its own <code>/ui/</code>.</p>
      </>
    );
  }
  return (
    <>
      <h1>No Chronos here</h1>
      <p>
        Jobs are run by Chronos, and no framework named <code>{name}</code> is connected to this master. Start one with{" "}
        <code>twistd chronos --work_dir=DIR --master=HOST:5050</code>; this page shows it as soon as it has registered.
      </p>
      <p><a href="#/frameworks">All frameworks</a></p>
    </>
  );
}
