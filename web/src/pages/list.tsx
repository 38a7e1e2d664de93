import { Grid } from "../table/grid";
import type { TableSpec } from "../table/columns";

/** A page that is one table. */
export function ListPage({ spec, title }: { spec: TableSpec; title: string }) {
  return (
    <>
      <h1>{title}</h1>
      <Grid key={spec.topic} spec={spec} />
    </>
  );
}
