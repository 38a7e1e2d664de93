import { type Difference, shown } from "./diff";

/** Key by key: old and new beside each other. */
export function DiffTable({ differences, before, after }: { differences: readonly Difference[]; before: string; after: string }) {
  if (differences.length === 0) return <p class="empty">No difference.</p>;
  return (
    <table class="files diff">
      <thead><tr><th>Key</th><th>{before}</th><th>{after}</th></tr></thead>
      <tbody>
        {differences.map((each) => (
          <tr key={each.path}>
            <th scope="row" class="mono">{each.path}</th>
            <td class={`mono ${each.before === undefined ? "muted" : "old"}`}>{each.before === undefined ? "–" : <del>{shown(each.before)}</del>}</td>
            <td class={`mono ${each.after === undefined ? "muted" : "new"}`}>{each.after === undefined ? "–" : <ins>{shown(each.after)}</ins>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
