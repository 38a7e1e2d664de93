import { useMemo } from "preact/hooks";
import { number, size } from "../format";
import type { Row } from "../live/frames";
import { Age, Commands, Copy, Facts } from "../parts/bits";
import { State } from "../parts/glyph";
import { follow } from "../state";
import { memberLook } from "../states";
import { Grid } from "../table/grid";
import { FRAMEWORKS, webPage } from "./frameworks";
import { Missing } from "./missing";
import type { PageProps } from "./page";
import { TASKS } from "./tasks";

export function FrameworkPage({ parts }: PageProps) {
  const id = parts[0] as string;
  const table = follow("frameworks");
  const row = [...table.rows.values()].find((each) => each.id === id);
  const scope = useMemo(() => (task: Row) => task.framework_id === id, [id]);
  if (row === undefined) return <Missing noun="framework" id={id} loaded={table.loaded} />;
  return (
    <>
      <div class="object-head">
        <h1>{String(row.name)}</h1>
        <State look={memberLook(row.state)} />
        <Copy text={id} label="Copy id" />
      </div>
      <p class="summary">
        {number(row.tasks)} tasks with {number(row.cpus)} CPU and {size(row.mem)} · {number(row.offers)} offers outstanding · roles {String(row.roles || "*")}
      </p>
      <details class="more">
        <summary>Facts and commands</summary>
        <Facts facts={[
          ["Id", id], ["User", String(row.user ?? "")], ["Principal", String(row.principal ?? "")], ["Host", String(row.hostname ?? "")],
          ["Connected by", String(row.connection ?? "")], ["Web page", webPage(row.webui_url)], ["Known for", <Age at={row.registered} exact />],
          ["Back since", <Age at={row.reregistered} exact />], ["Ended", <Age at={row.unregistered} exact />],
        ]} />
        <Commands commands={FRAMEWORKS.commands?.(row) ?? []} />
      </details>
      <h2>Its tasks</h2>
      <Grid spec={TASKS} scope={scope} />
    </>
  );
}
