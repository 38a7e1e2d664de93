import { useMemo } from "preact/hooks";
import { number, percent, size } from "../format";
import type { Row } from "../live/frames";
import { agentName } from "../names";
import { Age, Bar, Commands, Copy, Facts } from "../parts/bits";
import { State } from "../parts/glyph";
import { follow } from "../state";
import { memberLook } from "../states";
import { Grid } from "../table/grid";
import { AGENTS } from "./agents";
import { Missing } from "./missing";
import type { PageProps } from "./page";
import { TASKS } from "./tasks";

const RESOURCES = [["cpus", "CPU", number], ["mem", "Memory", size], ["disk", "Disk", size], ["gpus", "GPU", number]] as const;

export function AgentPage({ parts }: PageProps) {
  const id = parts[0] as string;
  const table = follow("agents");
  const row = [...table.rows.values()].find((each) => each.id === id);
  const scope = useMemo(() => (task: Row) => task.agent_id === id, [id]);
  if (row === undefined) return <Missing noun="agent" id={id} loaded={table.loaded} />;
  return (
    <>
      <div class="object-head">
        <h1>{agentName(id, row.hostname)}</h1>
        <State look={memberLook(row.state)} />
        <Copy text={id} label="Copy id" />
      </div>
      <div class="gauges">
        {RESOURCES.filter(([name]) => Number(row[name]) > 0).map(([name, label, text]) => {
          const [used, offered, total] = [Number(row[`${name}_used`]), Number(row[`${name}_offered`]), Number(row[name])];
          return (
            <div key={name} class="gauge">
              <span>{label} <b>{percent(used, total)}</b></span>
              <Bar used={used} offered={offered} total={total} label={`${label}: ${text(used)} used, ${text(offered)} offered, of ${text(total)}`} />
              <span class="muted">{text(used)} of {text(total)}{offered > 0 ? `, ${text(offered)} offered` : ""}</span>
            </div>
          );
        })}
      </div>
      <details class="more">
        <summary>Facts and commands</summary>
        <Facts facts={[
          ["Id", id], ["Address", String(row.address)], ["Attributes", String(row.attributes ?? "")], ["Ports", String(row.ports ?? "")],
          ["Version", String(row.version ?? "")], ["Known for", <Age at={row.registered} exact />], ["Back since", <Age at={row.reregistered} exact />],
        ]} />
        <Commands commands={AGENTS.commands?.(row) ?? []} />
      </details>
      <h2>Tasks on it</h2>
      <Grid spec={TASKS} scope={scope} />
    </>
  );
}
