import { counted, number } from "../format";
import { toggled } from "../query/query";
import { place, setQuery } from "../router";
import type { Column, TableSpec } from "./columns";
import type { TableView } from "./view";

interface Props {
  spec: TableSpec;
  view: TableView;
  columns: readonly Column[];
  draw: () => void;
}

export function SearchBar({ spec, view, columns, draw }: Props) {
  const { q = "" } = place.value.query;
  const { faults } = view.compiled;
  const { total } = view;
  return (
    <div class="search-bar">
      <label class="search">
        <span class="unseen">Search {spec.noun}</span>
        <input
          type="search"
          data-search
          value={q}
          spellcheck={false}
          autocomplete="off"
          placeholder={spec.example}
          aria-describedby="search-faults"
          onInput={(event) => setQuery({ q: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
            if (event.key === "ArrowDown" || event.key === "Enter") {
              document.querySelector<HTMLElement>(".grid")?.focus();
            }
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      {(spec.facets ?? []).map(({ label, term }) => (
        <button
          key={term}
          type="button"
          class="facet"
          aria-pressed={q.split(/\s+/).includes(term)}
          onClick={() => setQuery({ q: toggled(q, term) })}
        >
          {label}
        </button>
      ))}
      <span class="count" aria-live="off">
        {counted(total, spec.noun)}
        {q !== "" && ` → ${number(view.order.length)}`}
      </span>
      {view.pending > 0 && (
        <button
          type="button"
          class="apply"
          onClick={() => {
            view.applyPending();
            draw();
          }}
        >
          {number(view.pending)} {view.pending === 1 ? "change" : "changes"} – apply
        </button>
      )}
      <ColumnChooser spec={spec} columns={columns} />
      <span id="search-faults" class="faults" role="status">
        {faults.join("; ")}
      </span>
    </div>
  );
}

function ColumnChooser({ spec, columns }: { spec: TableSpec; columns: readonly Column[] }) {
  const names = columns.map((each) => each.name);
  const toggle = (name: string): void => {
    const next = spec.columns
      .map((each) => each.name)
      .filter((each) => (each === name ? !names.includes(name) : names.includes(each)));
    if (next.length > 0) setQuery({ cols: next.join(",") });
  };
  return (
    <details class="chooser">
      <summary>Columns</summary>
      <div class="chooser-list">
        {spec.columns.map((each) => (
          <label key={each.name}>
            <input type="checkbox" checked={names.includes(each.name)} onChange={() => toggle(each.name)} />
            {each.label}
          </label>
        ))}
        <button type="button" onClick={() => setQuery({ cols: "" })}>Default columns</button>
      </div>
    </details>
  );
}
