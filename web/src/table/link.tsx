import type { Row } from "../live/frames";
import { hashOf } from "../router";
import type { Column, TableSpec } from "./columns";

/** The address of a row's own page. */
export function linkOf(spec: TableSpec, row: Row): string {
  return hashOf(spec.link?.(row) ?? [], spec.query?.(row));
}

export function cellOf(shown: Column, row: Row, linked: TableSpec | null) {
  const content = shown.cell?.(row) ?? (shown.read(row) as string | number | null) ?? "";
  if (linked?.link === undefined) return content;
  return <a href={linkOf(linked, row)}>{content}</a>;
}
