import { useEffect, useState } from "preact/hooks";
import type { Page } from "../pages/page";
import { PAGES, pageAt } from "../pages/pages";
import { Said } from "../parts/said";
import { hashOf, place } from "../router";
import { follow, SELF } from "../state";
import { setTheme, theme, type Theme } from "../theme";
import { ConnectionState, OldDataBar } from "./connection";
import { LeaderBar } from "./leader";
import { UnderWay } from "./underway";
import { Help } from "./help";

const CHORD_MS = 1_200;

/** `/`, `?` and `g x` work everywhere but in a text field. */
function useKeys(help: () => void): void {
  useEffect(() => {
    let chordUntil = 0;
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as Element;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.matches("input, textarea, select")) return;
      const page = Date.now() < chordUntil ? PAGES.find((each) => each.key === event.key) : undefined;
      chordUntil = event.key === "g" ? Date.now() + CHORD_MS : 0;
      if (page !== undefined) location.hash = hashOf([page.path].filter(Boolean));
      else if (event.key === "?") help();
      else if (event.key === "/") document.querySelector<HTMLElement>("[data-search]")?.focus();
      else if (event.key === "j" || event.key === "k") document.querySelector<HTMLElement>(".grid")?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

export function App() {
  const [help, setHelp] = useState(false);
  useKeys(() => setHelp(true));
  const [first = "", ...rest] = place.value.parts;
  const page = pageAt(first);
  const name = String(follow(SELF).only?.name ?? "");
  const title = page === undefined ? "Not found" : [...rest.slice(-1), page.label].join(" · ");
  useEffect(() => {
    document.title = `${title} – ${name || "mesostw"}`;
  }, [title, name]);
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the page</a>
      <Rail here={first} />
      <header class="top">
        <span class="cluster" title="The name of this cluster">{name || "mesostw"}</span>
        <span class="spring" />
        <UnderWay />
        <ConnectionState />
        <ThemeToggle />
        <button type="button" class="plain" aria-label="Keyboard and search help" title="Help (?)" onClick={() => setHelp(true)}>?</button>
      </header>
      <main id="main" tabIndex={-1}>
        <OldDataBar />
        <LeaderBar />
        {page === undefined ? <NotFound /> : <Shown page={page} parts={rest} />}
      </main>
      <Said />
      {help && <Help close={() => setHelp(false)} />}
    </div>
  );
}

function Shown({ page, parts }: { page: Page; parts: readonly string[] }) {
  const Detail = page.detail;
  if (parts.length > 0 && Detail !== undefined) return <Detail key={parts.join("/")} parts={parts} />;
  const List = page.list;
  return <List parts={parts} />;
}

function NotFound() {
  return (
    <div class="empty">
      <h1>No such page</h1>
      <p><a href="#/">Overview</a></p>
    </div>
  );
}

function Rail({ here }: { here: string }) {
  return (
    <nav class="rail" aria-label="Pages">
      <a class="logo" href="#/" aria-label="mesostw">
        <svg viewBox="0 0 20 20" width="22" height="22" aria-hidden="true"><path d="M10 1.5 17.5 6v8L10 18.5 2.5 14V6z" fill="none" stroke="currentColor" stroke-width="1.6" /><circle cx="10" cy="10" r="3" fill="currentColor" /></svg>
        <b>mesostw</b>
      </a>
      {PAGES.filter((page) => page.hidden !== true).map((page) => (
        <a key={page.path} href={hashOf([page.path].filter(Boolean))} aria-current={pageAt(here)?.path === page.path ? "page" : undefined} title={`${page.label} (g ${page.key})`}>
          <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d={page.icon} /></svg>
          <span>{page.label}</span>
        </a>
      ))}
    </nav>
  );
}

const NEXT: Readonly<Record<Theme, Theme>> = { auto: "light", light: "dark", dark: "auto" };
const THEME_MARK: Readonly<Record<Theme, string>> = { auto: "◐", light: "☀", dark: "☾" };

function ThemeToggle() {
  const now = theme.value;
  return (
    <button type="button" class="plain" aria-label={`Theme: ${now}. Change to ${NEXT[now]}`} title={`Theme: ${now}`} onClick={() => setTheme(NEXT[now])}>
      <span aria-hidden="true">{THEME_MARK[now]}</span> <span class="theme-word">{now}</span>
    </button>
  );
}
