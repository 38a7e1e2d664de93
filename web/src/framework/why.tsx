import { number } from "../format";
import { agentName } from "../names";
import { masterLink } from "./masterpage";
import { type Declined, shortReason } from "../marathon/queue";

interface Shortfall {
  readonly agentId: string;
  readonly hostname: string;
  readonly reason: string;
  readonly missing: readonly string[];
}

/** Why an app is as it is, as Marathon tells it. */
export interface Reason {
  readonly sentence: string;
  readonly facts?: readonly unknown[];
  readonly funnel?: readonly Declined[];
  readonly shortfalls?: readonly Shortfall[];
  readonly story?: readonly unknown[];
}

export function WhyView({ reason }: { reason: Reason }) {
  const { funnel = [], shortfalls = [], facts = [], story = [] } = reason;
  return (
    <div class="why">
      <p class="why-sentence">{reason.sentence}</p>
      {facts.length > 0 && <Lines title="Facts" lines={facts} />}
      {funnel.length > 0 && <Funnel steps={funnel} />}
      {shortfalls.length > 0 && <Shortfalls rows={shortfalls} />}
      {story.length > 0 && <Lines title="Story" lines={story} />}
    </div>
  );
}

function Lines({ title, lines }: { title: string; lines: readonly unknown[] }) {
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <ul class="lines">{lines.map((line, at) => <li key={at}>{typeof line === "string" ? line : JSON.stringify(line)}</li>)}</ul>
    </section>
  );
}

/** How many agents' offers got past each question. */
function Funnel({ steps }: { steps: readonly Declined[] }) {
  // Of whom no offer was looked at, ten rows of nought say nothing.
  if (steps.every(({ processed }) => processed === 0)) return null;
  const all = Math.max(1, steps[0]?.processed ?? 1);
  return (
    <section aria-label="Offers">
      <h2>Of the last offer of each agent</h2>
      <table class="files funnel">
        <thead><tr><th>Question</th><th class="right">Came</th><th class="right">Turned down</th><th>Got past</th></tr></thead>
        <tbody>
          {steps.map(({ reason, declined, processed }) => {
            const past = processed - declined;
            const words = `${past} of ${all} got past ${shortReason(reason)}`;
            return (
              <tr key={reason}>
                <th scope="row">{shortReason(reason)}</th>
                <td class="right">{number(processed)}</td>
                <td class={`right${declined > 0 ? " tone-warn" : ""}`}>{number(declined)}</td>
                <td><span class="bar" role="img" aria-label={words} title={words}><span class="bar-used" style={{ width: `${(past / all) * 100}%` }} /></span></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Shortfalls({ rows }: { rows: readonly Shortfall[] }) {
  const names = rows.map((row) => agentName(row.agentId, row.hostname));
  return (
    <section aria-label="What is missing where">
      <h2>What is missing where</h2>
      <table class="files">
        <thead><tr><th>Agent</th><th>First in the way</th><th>Missing</th></tr></thead>
        <tbody>
          {rows.map((row, at) => {
            const alone = names.indexOf(names[at] as string) === names.lastIndexOf(names[at] as string);
            // A framework knows no ports of agents: those of one host are told apart by the ends of their ids.
            const name = alone ? names[at] : `${names[at]} (${row.agentId.split("-").at(-1)})`;
            const link = masterLink(["agents", row.agentId]);
            return (
              <tr key={row.agentId}>
                <th scope="row">{link === null ? name : <a href={link}>{name}</a>}</th>
                <td>{shortReason(row.reason)}</td>
                <td>{row.missing.join("; ")}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
