import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { duration, moment, shortDuration } from "../format";
import { nowS } from "../state";

/** How long ago, by the server's clock; the exact moment on hover. */
export function Age({ at, exact = false }: { at: unknown; exact?: boolean }) {
  if (typeof at !== "number") return <span class="muted">–</span>;
  const seconds = nowS.value - at;
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={moment(at)}>
      {exact ? duration(seconds) : shortDuration(seconds)}
    </time>
  );
}

/** How much of a whole is used and offered: a bar with its numbers in words for those who cannot see it. */
export function Bar(props: { used: number; offered?: number; total: number; label: string }) {
  const { used, offered = 0, total, label } = props;
  const share = (part: number): number => (total > 0 ? Math.min(100, (part / total) * 100) : 0);
  return (
    <span class="bar" role="img" aria-label={label} title={label}>
      <span class="bar-used" style={{ width: `${share(used)}%` }} />
      <span class="bar-offered" style={{ width: `${Math.min(share(offered), 100 - share(used))}%` }} />
    </span>
  );
}

/** A small curve of shares between 0 and 1, oldest first. */
export function Curve({ values, label }: { values: readonly number[]; label: string }) {
  if (values.length < 2) return <svg class="curve" aria-hidden="true" />;
  const step = 100 / (values.length - 1);
  const points = values.map((value, at) => `${(at * step).toFixed(1)},${(23 - value * 22).toFixed(1)}`);
  return (
    <svg class="curve" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={label}>
      <title>{label}</title>
      <polyline points={points.join(" ")} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS browsers give no clipboard; the old way still works from a click.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function Copy({ text, label }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    setDone(await toClipboard(text));
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" class="copy" title={`Copy ${text}`} onClick={copy}>
      {done ? "Copied" : (label ?? "Copy")}
      <span class="unseen" role="status">{done ? "Copied to the clipboard" : ""}</span>
    </button>
  );
}

/** A shell command that does the same, ready to be copied. */
export interface Command {
  readonly label: string;
  readonly text: string;
}

export function Commands({ commands }: { commands: readonly Command[] }) {
  return (
    <dl class="commands">
      {commands.map((command) => (
        <div key={command.label}>
          <dt>{command.label}</dt>
          <dd>
            <code>{command.text}</code>
            <Copy text={command.text} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Facts({ facts }: { facts: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value === "" || value === null || value === undefined ? <span class="muted">–</span> : value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Panel(props: { title: string; aside?: ComponentChildren; children: ComponentChildren; class?: string }) {
  return (
    <section class={`panel ${props.class ?? ""}`} aria-label={props.title}>
      <header>
        <h2>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

/** Tabs kept in the address, so that each can be linked to. */
export function Tabs(props: { label: string; names: readonly string[]; chosen: string; href: (name: string) => string }) {
  const bar = useRef<HTMLElement>(null);
  // Where there is little room the bar is pushed sideways: what is chosen is always in sight.
  useLayoutEffect(() => {
    const [box, one] = [bar.current, bar.current?.querySelector<HTMLElement>("[aria-current]")];
    if (box && one) box.scrollLeft = one.offsetLeft - box.offsetLeft - (box.clientWidth - one.offsetWidth) / 2;
  }, [props.chosen]);
  return (
    <nav class="tabs" aria-label={props.label} ref={bar}>
      {props.names.map((name) => (
        <a key={name} href={props.href(name)} aria-current={name === props.chosen ? "page" : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}
