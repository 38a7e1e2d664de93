import { useEffect, useRef, useState } from "preact/hooks";
import type { Action } from "./actions";
import { ask } from "./dialog";

/** A button with three dots and what can be done; drawn above everything, so that no table cuts it off. */
export function Menu({ label, actions }: { label: string; actions: () => readonly Action[] }) {
  const [place, setPlace] = useState<{ right: number; top: number } | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const open = (): void => {
    const box = (button.current as HTMLButtonElement).getBoundingClientRect();
    setPlace({ right: innerWidth - box.right, top: box.bottom + 2 });
  };
  useEffect(() => {
    if (place === null) return;
    const menu = list.current as HTMLDivElement;
    menu.showPopover();
    if (menu.getBoundingClientRect().bottom > innerHeight) menu.style.top = `${innerHeight - menu.offsetHeight - 8}px`;
    menu.querySelector("button")?.focus();
  }, [place]);
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      const items = [...(list.current as HTMLDivElement).querySelectorAll("button")];
      const at = items.indexOf(document.activeElement as HTMLButtonElement);
      items[(at + step + items.length) % items.length]?.focus();
      event.preventDefault();
    }
    event.stopPropagation();
  };
  return (
    <>
      <button type="button" ref={button} class="plain dots" aria-haspopup="menu" aria-expanded={place !== null} aria-label={label} title={label} onClick={open}>⋯</button>
      {place !== null && (
        <div
          ref={list} popover="auto" class="menu" role="menu" aria-label={label} style={{ right: `${place.right}px`, top: `${place.top}px` }}
          onKeyDown={onKey} onToggle={(event) => { if ((event as unknown as ToggleEvent).newState === "closed") { setPlace(null); button.current?.focus(); } }}
        >
          {actions().map((action) => (
            <button key={action.title} type="button" role="menuitem" class={action.danger ? "plain danger-word" : "plain"} onClick={() => { list.current?.hidePopover(); ask(action); }}>
              {action.button}
            </button>
          ))}
        </div>
      )}
    </>
  );
}

/** The same as a row of buttons, where there is room. */
export function Buttons({ actions }: { actions: readonly Action[] }) {
  return (
    <div class="buttons">
      {actions.map((action) => (
        <button key={action.title} type="button" class={action.danger ? "danger-word" : ""} onClick={() => ask(action)}>{action.button}</button>
      ))}
    </div>
  );
}
