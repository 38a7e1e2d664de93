import type { Fault } from "./api";
import { type Cell, faultWords, type FormField, type Json, placeOf, read, type Section, typed, write, written } from "./document";

/** One field of the form, whatever its kind; `change` gets the whole next document. */
export interface FieldProps {
  /** The form that it is in: a fault may belong to another field. */
  readonly sections: readonly Section[];
  readonly field: FormField;
  readonly document: Json;
  readonly faults: readonly Fault[];
  readonly change: (document: Json) => void;
  readonly readOnly?: boolean;
}

type Mine = Pick<FieldProps, "field" | "faults" | "sections">;

function mine({ field, faults, sections }: Mine, row: number | null): string {
  return faults
    .filter((fault) => {
      const place = placeOf(fault.path, sections);
      return place?.field === field && (row === null || place.row === row);
    })
    .map((fault) => faultWords(fault.errors))
    .join("; ");
}

export function Field(props: FieldProps) {
  const { field, document, change } = props;
  const fault = mine(props, null);
  const name = `f-${field.path.join("-")}`;
  const set = (value: unknown): void => change(write(document, field.path, value));
  const value = read(document, field.path);
  if (field.kind === "rows") return <Rows {...props} />;
  if (field.kind === "pairs") return <Pairs {...props} />;
  const shared = { id: name, "aria-invalid": fault !== "", "aria-describedby": `${name}-more`, disabled: props.readOnly === true };
  let input = <input type="text" {...shared} value={written(value)} spellcheck={false} autocomplete="off" onInput={(event) => set(typed(field.kind, event.currentTarget.value))} />;
  if (field.kind === "area") input = <textarea {...shared} rows={3} value={written(value)} spellcheck={false} onInput={(event) => set(typed("area", event.currentTarget.value))} />;
  if (field.kind === "words") input = <input type="text" {...shared} value={written(value)} spellcheck={false} onChange={(event) => set(typed("words", event.currentTarget.value))} />;
  if (field.kind === "check") input = <input type="checkbox" {...shared} checked={value === true} onChange={(event) => set(event.currentTarget.checked || undefined)} />;
  if (field.kind === "choice") input = <Choice {...shared} value={written(value)} choices={field.choices ?? []} choose={set} />;
  return (
    <div class={`field kind-${field.kind}${fault === "" ? "" : " wrong"}`}>
      <label for={name}>{field.label}</label>
      {input}
      <small id={`${name}-more`}>{fault !== "" ? <b class="tone-bad">{fault}</b> : <span class="muted">{field.hint ?? ""}</span>}</small>
    </div>
  );
}

function Choice({ value, choices, choose, ...rest }: { value: string; choices: readonly string[]; choose: (value: unknown) => void; [name: string]: unknown }) {
  return (
    <select {...rest} value={value} onChange={(event) => choose(event.currentTarget.value || undefined)}>
      <option value="">(default)</option>
      {[...new Set([...choices, ...(value === "" ? [] : [value])])].map((each) => <option key={each} value={each}>{each}</option>)}
    </select>
  );
}

function Legend(props: Mine) {
  const { field } = props;
  const fault = mine(props, null);
  return (
    <>
      <legend>{field.label}</legend>
      {field.hint !== undefined && <small class="muted">{field.hint}</small>}
      {fault !== "" && <small role="alert"><b class="tone-bad">{fault}</b></small>}
    </>
  );
}

function Rows(props: FieldProps) {
  const { field, document, change } = props;
  const value = read(document, field.path);
  const rows: readonly unknown[] = Array.isArray(value) ? value : [];
  const set = (next: readonly unknown[]): void => change(write(document, field.path, next));
  return (
    <fieldset class="rows">
      <Legend {...props} />
      {rows.map((row, at) => (
        <div key={at} class={`form-row${mine(props, at) === "" ? "" : " wrong"}`}>
          {(field.cells ?? []).map((cell) => (
            <RowCell key={cell.label} cell={cell} label={`${cell.label}, ${field.label} ${at + 1}`} row={row} set={(next) => set(rows.map((each, other) => (other === at ? next : each)))} />
          ))}
          <button type="button" class="plain" aria-label={`Remove ${field.label} ${at + 1}`} title="Remove" onClick={() => set(rows.filter((_, other) => other !== at))}>✕</button>
        </div>
      ))}
      <button type="button" onClick={() => set([...rows, field.fresh])}>Add</button>
    </fieldset>
  );
}

function RowCell({ cell, row, label, set }: { cell: Cell; row: unknown; label: string; set: (row: unknown) => void }) {
  const value = read(row, cell.key);
  const put = (next: unknown): void => set(write(row, cell.key, next));
  if (cell.kind === "check") {
    return <label class="cell check"><input type="checkbox" aria-label={label} checked={value === true} onChange={(event) => put(event.currentTarget.checked)} />{cell.label}</label>;
  }
  return (
    <label class={`cell${cell.wide ? " wide" : ""} ${cell.kind}`}>
      <span>{cell.label}</span>
      {cell.kind === "choice"
        ? <Choice aria-label={label} value={written(value)} choices={cell.choices ?? []} choose={put} />
        : <input type="text" aria-label={label} value={written(value)} spellcheck={false} onInput={(event) => put(typed(cell.kind, event.currentTarget.value))} />}
    </label>
  );
}

function Pairs(props: FieldProps) {
  const { field, document, change } = props;
  const value = read(document, field.path);
  const pairs = typeof value === "object" && value !== null ? Object.entries(value as Json) : [];
  const set = (next: readonly (readonly [string, unknown])[]): void =>
    change(write(document, field.path, next.length === 0 ? undefined : Object.fromEntries(next)));
  return (
    <fieldset class="rows">
      <Legend {...props} />
      {pairs.map(([key, each], at) => (
        <div key={at} class="form-row">
          <label class="cell"><span>Name</span><input type="text" aria-label={`Name, ${field.label} ${at + 1}`} value={key} spellcheck={false} onChange={(event) => set(pairs.map((pair, other) => (other === at ? [event.currentTarget.value, each] : pair)))} /></label>
          <label class="cell wide"><span>Value</span><input type="text" aria-label={`Value, ${field.label} ${at + 1}`} value={written(each)} disabled={typeof each === "object"} spellcheck={false} onInput={(event) => set(pairs.map((pair, other) => (other === at ? [key, event.currentTarget.value] : pair)))} /></label>
          <button type="button" class="plain" aria-label={`Remove ${key}`} title="Remove" onClick={() => set(pairs.filter((_, other) => other !== at))}>✕</button>
        </div>
      ))}
      <button type="button" onClick={() => set([...pairs, [freeName(pairs.map(([key]) => key)), ""]])}>Add</button>
    </fieldset>
  );
}

function freeName(taken: readonly string[]): string {
  let name = "NAME";
  for (let at = 2; taken.includes(name); at++) name = `NAME_${at}`;
  return name;
}
