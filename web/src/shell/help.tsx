import { useEffect, useRef } from "preact/hooks";
import { PAGES } from "../pages/pages";

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "search in this page"],
  ["j k ↑ ↓", "next and previous row"],
  ["Enter", "open the row"],
  ["Space .", "details of the row, with its commands"],
  ["PgUp PgDn", "a page; Home and End: all the way"],
  ["Ctrl Enter", "send a form"],
  ["Esc", "close, leave the table"],
  ["?", "this help"],
];

export function Help({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={close} onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <header>
        <h2>Keyboard and search</h2>
        <button type="button" class="plain" aria-label="Close" onClick={() => dialog.current?.close()}>✕</button>
      </header>
      <dl class="keys">
        {KEYS.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}
        {PAGES.map((page) => <div key={page.key}><dt><kbd>g {page.key}</kbd></dt><dd>{page.label}</dd></div>)}
      </dl>
      <h3>Search</h3>
      <dl class="keys">
        <div><dt><code>web api</code></dt><dd>both words anywhere in the row</dd></div>
        <div><dt><code>"two words"</code></dt><dd>exactly this text</dd></div>
        <div><dt><code>state:failed,lost</code></dt><dd>one column has one of these</dd></div>
        <div><dt><code>agent:n-0*</code></dt><dd>a pattern: * any text, ? one letter</dd></div>
        <div><dt><code>cpu&gt;1 mem&lt;=2g</code></dt><dd>numbers and sizes</dd></div>
        <div><dt><code>updated&lt;10m</code></dt><dd>ages: less than ten minutes ago</dd></div>
        <div><dt><code>-role:dev</code></dt><dd>not this</dd></div>
      </dl>
    </dialog>
  );
}
