import type { Row } from "../live/frames";
import { Commands, Facts } from "../parts/bits";
import type { TableSpec } from "./columns";
import { linkOf } from "./link";

/** The row beside the list: everything about it, and what can be done, while the list keeps its place. */
export function Inspector({ spec, row, close }: { spec: TableSpec; row: Row | undefined; close: () => void }) {
  const title = row === undefined ? "removed" : text(spec.columns[0]?.read(row));
  return (
    <aside class="drawer" aria-label={`Details of ${title}`}>
      <header>
        <h2>{title}</h2>
        {row !== undefined && spec.link !== undefined && (
          <a class="button" href={linkOf(spec, row)}>Open</a>
        )}
        <button type="button" class="plain" aria-label="Close" onClick={close}>✕</button>
      </header>
      {row === undefined ? (
        <p class="muted">It is no longer here.</p>
      ) : (
        <>
          <Facts facts={spec.columns.filter((each) => each.tableOnly !== true).map((each) => [each.label, each.cell?.(row) ?? text(each.read(row))])} />
          {spec.actions?.(row)}
          {spec.commands !== undefined && <Commands commands={spec.commands(row)} />}
        </>
      )}
    </aside>
  );
}

function text(value: unknown): string {
  return value === null || value === undefined ? "" : String(value);
}
