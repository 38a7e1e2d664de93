import { signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

function storedTheme(): Theme {
  const stored = localStorage.getItem("mesostw.theme");
  return stored === "light" || stored === "dark" ? stored : "auto";
}

export const theme = signal<Theme>(storedTheme());

export function setTheme(next: Theme): void {
  theme.value = next;
  localStorage.setItem("mesostw.theme", next);
  document.documentElement.dataset.theme = next;
}
