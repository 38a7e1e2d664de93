/** Numbers, sizes and times as people read them. One place, so that all pages agree. */

/** Megabytes to text: `512 MB`, `1.5 GB`, `3 TB`. */
export function size(megabytes: unknown): string {
  if (typeof megabytes !== "number") return "–";
  if (Math.abs(megabytes) < 1024) return `${number(megabytes)} MB`;
  if (Math.abs(megabytes) < 1024 * 1024) return `${number(megabytes / 1024)} GB`;
  return `${number(megabytes / 1024 / 1024)} TB`;
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  return count < 1024 * 1024 ? `${number(count / 1024)} kB` : size(count / 1024 / 1024);
}

/** At most one decimal from 10 up, two below; thousands grouped. */
export function number(value: unknown): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

/** A number with its noun: `1 app`, `2 apps`. */
export function plural(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A number with what is named in the plural: `1 waiting app`, `1 app or group`, `2 apps and groups`. */
export function counted(count: number, nouns: string): string {
  return `${number(count)} ${count === 1 ? nouns.replace(" and ", " or ").replace(/s\b/g, "") : nouns}`;
}

export function percent(part: unknown, whole: unknown): string {
  if (typeof part !== "number" || typeof whole !== "number" || whole <= 0) return "–";
  const share = (part / whole) * 100;
  return `${share > 0 && share < 1 ? "<1" : Math.round(share)} %`;
}

/** Seconds to text with two units at most: `4 s`, `2 m 5 s`, `3 h 12 m`, `5 d 2 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return two(Math.floor(whole / 60), "m", whole % 60, "s");
  if (whole < 86_400) return two(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "m");
  return two(Math.floor(whole / 86_400), "d", Math.floor((whole % 86_400) / 3600), "h");
}

function two(major: number, unit: string, minor: number, minorUnit: string): string {
  return minor === 0 ? `${major} ${unit}` : `${major} ${unit} ${minor} ${minorUnit}`;
}

/** One unit only, for table cells that must not jump in width. */
export function shortDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m`;
  return whole < 86_400 ? `${Math.floor(whole / 3600)} h` : `${Math.floor(whole / 86_400)} d`;
}

export function clock(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString("en-GB");
}

/** Local date and time with the zone, for tooltips and detail pages. */
export function moment(seconds: unknown): string {
  if (typeof seconds !== "number") return "–";
  const date = new Date(seconds * 1000);
  const day = date.toLocaleDateString("sv-SE");
  return `${day} ${date.toLocaleTimeString("en-GB", { timeZoneName: "short" })}`;
}

/** Local day and time without the zone, for cells: `2026-11-25 02:00`, with seconds where they matter. */
export function dayTime(seconds: unknown, exact = false): string {
  if (typeof seconds !== "number") return "–";
  return `${new Date(seconds * 1000).toLocaleDateString("sv-SE")} ${clock(seconds * 1000).slice(0, exact ? 8 : 5)}`;
}

/** Seconds that may be few: `0.03 s`, `9.5 s`, then as `duration`. */
export function shortTime(seconds: unknown): string {
  if (typeof seconds !== "number") return "–";
  return seconds < 10 ? `${number(seconds)} s` : duration(seconds);
}

/** Ids differ in their tails: the middle gives way. */
export function middle(text: string, most = 28): string {
  if (text.length <= most) return text;
  const head = Math.floor((most - 1) / 3);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}
