import { memo } from "./memo";
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import type { Row } from "../live/frames";
import { place, setQuery } from "../router";
import { live } from "../state";
import { type Column, type TableSpec, topicOf } from "./columns";
import { Inspector } from "./inspector";
import { cellOf, linkOf } from "./link";
import { isNarrow } from "./narrow";
import { SearchBar } from "./searchbar";
import { type Sorting, TableView } from "./view";

const ROW_PX = 28;
const ROW_TOUCH_PX = 44;
/** Rows drawn above and below what is seen, so that a quick scroll shows no holes. */
const SPARE_ROWS = 8;
/** How often a query that speaks of ages is asked again, in milliseconds. */
const TIMED_MS = 5_000;

export function readSorting(text: string): Sorting {
  return text.startsWith("-")
    ? { name: text.slice(1), descending: true }
    : { name: text, descending: false };
}

/** The rows of a topic that match the address's query, kept in order; draws again when they change. */
function useView(spec: TableSpec, scope?: (row: Row) => boolean): { view: TableView; draw: () => void } {
  const [, draw] = useReducer((turn: number) => turn + 1, 0);
  const source = useMemo(() => spec.source?.() ?? topicOf(live, spec.topic), [spec]);
  const view = useMemo(
    () => new TableView(source.table, spec.columns, source.nowS, scope, spec.first),
    [source, spec, scope],
  );
  const { q = "", sort = spec.sort } = place.value.query;
  useMemo(() => view.ask(q, readSorting(sort)), [view, q, sort]);
  // A layout effect: no change can come between the first drawing and the listening.
  useLayoutEffect(
    () =>
      source.listen((changes) => {
        view.hear(changes);
        draw(0);
      }),
    [source, view],
  );
  useEffect(() => {
    if (!view.compiled.timed) return;
    const timer = setInterval(() => {
      if (!view.frozen) view.rebuild();
      draw(0);
    }, TIMED_MS);
    return () => clearInterval(timer);
  }, [view, q]);
  return { view, draw: () => draw(0) };
}

export function shownColumns(spec: TableSpec, narrow: boolean): Column[] {
  const chosen = place.value.query.cols?.split(",");
  if (chosen !== undefined) return spec.columns.filter((each) => chosen.includes(each.name));
  return spec.columns.filter((each) => (narrow ? each.narrow : !each.extra));
}

/** A table of any number of rows: only those in sight exist in the document. */
export function Grid({ spec, scope }: { spec: TableSpec; scope?: (row: Row) => boolean }) {
  const { view, draw } = useView(spec, scope);
  const narrow = isNarrow.value;
  const columns = shownColumns(spec, narrow);
  const rowPx = narrow ? ROW_TOUCH_PX : ROW_PX;
  const scroller = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState<readonly [number, number]>([0, 40]);
  const [selected, select] = useState(-1);
  const [inspected, inspect] = useState<number | null>(null);
  const count = view.order.length;

  const measure = (): void => {
    const box = scroller.current;
    if (box === null) return;
    const first = Math.max(0, Math.floor(box.scrollTop / rowPx) - SPARE_ROWS);
    const last = Math.ceil((box.scrollTop + box.clientHeight) / rowPx) + SPARE_ROWS;
    setRange((old) => (old[0] === first && old[1] === last ? old : [first, last]));
  };
  useLayoutEffect(() => {
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(scroller.current as HTMLDivElement);
    return () => observer.disconnect();
  }, [rowPx]);
  const { q = "", sort = spec.sort } = place.value.query;
  useEffect(() => {
    scroller.current?.scrollTo(0, 0);
    select(-1);
  }, [q, sort, scope]);

  const freeze = (frozen: boolean): void => {
    if (view.frozen === frozen) return;
    view.freeze(frozen);
    draw();
  };
  const move = (to: number): void => {
    const next = Math.max(0, Math.min(count - 1, to));
    select(next);
    const box = scroller.current as HTMLDivElement;
    const top = next * rowPx;
    // The header covers one row's height at the top.
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + 2 * rowPx > box.scrollTop + box.clientHeight) {
      box.scrollTop = top + 2 * rowPx - box.clientHeight;
    }
  };
  const open = (index: number): void => {
    const row = view.row(index);
    if (row !== undefined && spec.link !== undefined) location.hash = linkOf(spec, row);
  };
  const page = (): number => Math.floor((scroller.current?.clientHeight ?? 0) / rowPx) - 2;
  const keys: Readonly<Record<string, () => void>> = {
    j: () => move(selected + 1),
    ArrowDown: () => move(selected + 1),
    k: () => move(selected - 1),
    ArrowUp: () => move(selected - 1),
    PageDown: () => move(selected + page()),
    PageUp: () => move(selected - page()),
    Home: () => move(0),
    End: () => move(count - 1),
    Enter: () => open(selected),
    " ": () => inspect(view.order[selected] ?? null),
    ".": () => inspect(view.order[selected] ?? null),
    Escape: () => (inspected === null ? scroller.current?.blur() : inspect(null)),
  };
  const onKey = (event: KeyboardEvent): void => {
    const action = keys[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if ((event.target as Element).closest("a,button,input") && event.key === "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    freeze(true);
    action();
  };

  const template = columns.map((each) => each.width).join(" ");
  // The least widths added up: below it the table scrolls sideways, the same for every row.
  const least = columns.reduce((sum, each) => sum + Number(/\d+/.exec(each.width)?.[0] ?? 0), 0);
  const rows = [];
  for (let index = range[0]; index < Math.min(range[1], count); index++) {
    const handle = view.order[index] as number;
    rows.push(
      <Line
        key={handle}
        id={`row-${handle}`}
        row={view.table.rows.get(handle)}
        spec={spec}
        columns={columns}
        index={index}
        top={index * rowPx}
        chosen={index === selected || handle === inspected}
      />,
    );
  }
  return (
    <div class="table-page">
      <SearchBar spec={spec} view={view} columns={columns} draw={draw} />
      <div class="table-and-drawer">
        <div
          class="grid"
          role="grid"
          aria-label={spec.noun}
          aria-rowcount={count + 1}
          aria-colcount={columns.length}
          aria-activedescendant={view.order[selected] === undefined ? undefined : `row-${view.order[selected]}`}
          tabIndex={0}
          ref={scroller}
          style={{ "--tracks": template, "--least": `${least}ch`, "--row": `${rowPx}px` }}
          onScroll={measure}
          onKeyDown={onKey}
          onPointerEnter={(event) => event.pointerType === "mouse" && freeze(true)}
          onPointerLeave={() => document.activeElement !== scroller.current && freeze(false)}
          onBlur={(event) => {
            const inside = (event.relatedTarget as Element | null)?.closest(".grid") !== null;
            if (!inside || event.relatedTarget === null) freeze(scroller.current?.matches(":hover") ?? false);
          }}
          onClick={(event) => {
            const target = event.target as Element;
            const line = target.closest<HTMLElement>("[data-index]");
            if (line === null || target.closest("a,button") !== null) return;
            const index = Number(line.dataset.index);
            select(index);
            inspect(view.order[index] ?? null);
          }}
          onDblClick={() => open(selected)}
        >
          <Head columns={columns} sort={readSorting(sort)} />
          <div class="grid-body" role="presentation" style={{ height: `${count * rowPx}px` }}>
            {rows}
          </div>
          {count === 0 && <Empty spec={spec} loaded={view.table.loaded} query={q} />}
        </div>
        {inspected !== null && (
          <Inspector spec={spec} row={view.table.rows.get(inspected)} close={() => inspect(null)} />
        )}
      </div>
    </div>
  );
}

/** Why there are no rows: a row of one cell, since a grid may hold nothing else. */
function Empty({ spec, loaded, query }: { spec: TableSpec; loaded: boolean; query: string }) {
  return (
    <div role="row" aria-rowindex={2}>
      <div role="gridcell" class="empty">
        {!loaded ? <span role="status">Loading {spec.noun}…</span> : query === "" ? spec.empty : (
          <>
            No {spec.noun} match <code>{query}</code>.{" "}
            <button type="button" onClick={() => setQuery({ q: "" })}>Clear the search</button>
          </>
        )}
      </div>
    </div>
  );
}

function Head({ columns, sort }: { columns: readonly Column[]; sort: Sorting }) {
  return (
    <div class="grid-row grid-head" role="row" aria-rowindex={1}>
      {columns.map((each, at) => {
        const mine = each.name === sort.name;
        const order = mine ? (sort.descending ? "descending" : "ascending") : "none";
        const next = mine && !sort.descending ? `-${each.name}` : each.name;
        return (
          <div key={each.name} role="columnheader" aria-colindex={at + 1} aria-sort={order} class={each.right ? "right" : ""}>
            <button type="button" onClick={() => setQuery({ sort: next })} title={`Sort by ${each.label}`}>
              {each.label}
              <span class="sort-mark" aria-hidden="true">{mine ? (sort.descending ? "▾" : "▴") : ""}</span>
            </button>
          </div>
        );
      })}
    </div>
  );
}

interface LineProps {
  id: string;
  row: Row | undefined;
  spec: TableSpec;
  columns: readonly Column[];
  index: number;
  top: number;
  chosen: boolean;
}

const Line = memo(
  ({ id, row, spec, columns, index, top, chosen }: LineProps) => (
    <div
      class={`grid-row${chosen ? " chosen" : ""}`}
      role="row"
      id={id}
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={chosen}
      style={{ transform: `translateY(${top}px)` }}
    >
      {row === undefined ? (
        <div class="gone" role="gridcell">removed</div>
      ) : (
        columns.map((each, at) => (
          <div key={each.name} role="gridcell" aria-colindex={at + 1} class={each.right ? "right" : ""}>
            {cellOf(each, row, at === 0 ? spec : null)}
          </div>
        ))
      )}
    </div>
  ),
  (old, next) =>
    old.row === next.row &&
    old.top === next.top &&
    old.chosen === next.chosen &&
    old.spec === next.spec &&
    old.columns.length === next.columns.length &&
    old.columns.every((each, at) => each === next.columns[at]),
);
