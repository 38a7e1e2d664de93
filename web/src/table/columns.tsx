import type { ComponentChildren } from "preact";
import type { LiveClient } from "../live/client";
import type { Row } from "../live/frames";
import type { Changes, Rows } from "../live/table";
import type { Field } from "../query/query";
import type { Command } from "../parts/bits";

/** One column: how it is asked for (as a field), how wide it is, and how a cell looks. */
export interface Column extends Field<Row> {
  readonly label: string;
  /** A CSS grid track such as `minmax(12ch, 2fr)`. */
  readonly width: string;
  readonly right?: boolean;
  /** Shown also where there is little room. */
  readonly narrow?: boolean;
  /** Not shown until it is chosen. */
  readonly extra?: boolean;
  /** Of use in the table only: the drawer has the same in another form. */
  readonly tableOnly?: boolean;
  cell?(row: Row): ComponentChildren;
}

/** Where a table's rows come from, and who says that they changed. */
export interface Source {
  readonly table: Rows;
  listen(listener: (changes: Changes) => void): () => void;
  /** The server's clock, in seconds. */
  nowS(): number;
}

/** A topic of a live client as a source; asking for it subscribes. */
export function topicOf(client: LiveClient, topic: string): Source {
  return {
    table: client.table(topic),
    listen: (listener) => client.listen(topic, listener),
    nowS: () => client.serverNow() / 1000,
  };
}

/** What a page tells the table kit about its kind of object. */
export interface TableSpec {
  readonly topic: string;
  /** Another place for the rows than the master's topic. */
  source?(): Source;
  /** Rows that stand before all others. */
  first?(row: Row): boolean;
  /** What can be done with a row, for the drawer. */
  actions?(row: Row): ComponentChildren;
  readonly noun: string;
  readonly columns: readonly Column[];
  /** The order when the address names none. */
  readonly sort: string;
  /** Parts of the address of the row's own page. */
  link?(row: Row): readonly string[];
  /** Parameters of that address. */
  query?(row: Row): Readonly<Record<string, string>>;
  commands?(row: Row): readonly Command[];
  /** Terms offered as buttons beside the search box. */
  readonly facets?: readonly { readonly label: string; readonly term: string }[];
  readonly example: string;
  readonly empty: string;
}

/** A column whose value is the row's member of the same name. */
export function column(
  name: string,
  label: string,
  kind: Field<Row>["kind"],
  width: string,
  more: Partial<Column> = {},
): Column {
  return { name, label, kind, width, right: kind !== "text", read: (row) => row[name], ...more };
}
