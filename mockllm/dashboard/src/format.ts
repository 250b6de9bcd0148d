// Numbers and times as readable text.

const integers = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(value >= 1e7 ? 0 : 1)} M`;
  if (value >= 1e5) return `${(value / 1e3).toFixed(0)} k`;
  return integers.format(value);
}

/** Formats US dollars: `$0.000042`, `$1.25`. */
export function dollars(value: number): string {
  return `$${value.toFixed(value >= 1 || value === 0 ? 2 : value >= 0.01 ? 4 : 6)}`;
}

export function rate(value: number): string {
  return value > 0 && value < 10 && !Number.isInteger(value) ? value.toFixed(1) : count(value);
}

export function bytes(value: number): string {
  for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]] as const) {
    if (value >= size) return `${value >= size * 100 ? Math.round(value / size) : short(value / size)}\u00a0${unit}`;
  }
  return `${Math.round(value)}\u00a0B`;
}

/** Formats seconds: `0.4 ms`, `12 ms`, `3.2 s`; a dash for none. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds === 0) return "0\u00a0ms";
  if (seconds < 0.01) return `${short(seconds * 1000)}\u00a0ms`;
  if (seconds < 0.9995) return `${(seconds * 1000).toFixed(0)}\u00a0ms`;
  if (seconds < 100) return `${short(seconds)}\u00a0s`;
  return `${Math.round(seconds)}\u00a0s`;
}

function short(value: number): string {
  return value.toFixed(1).replace(/\.0$/, "");
}

export function share(part: number, all: number): string {
  if (!all) return "0\u00a0%";
  const percent = (part / all) * 100;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : percent.toFixed(0)}\u00a0%`;
}

const two = (value: number): string => String(value).padStart(2, "0");

export function clock(at: number): string {
  const date = new Date(at * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

const RULE_ID = /^(overlay|session|.*?\.(?:ya?ml|py)|[^:]*):(.*)$/s;

/** Splits the id of a rule, `file.yaml:name` or `overlay:name`. The name may have colons. */
export function ruleName(id: string): { file: string; name: string } {
  const [, file = "", name = id] = RULE_ID.exec(id) ?? [];
  return { file, name };
}

/** Shortens the path at the start of a line: `/a/long/way/to/file.yaml:3 name` to `…/to/file.yaml:3 name`. */
export function shortPlace(line: string): string {
  return line.replace(/^\/\S*\/([^/\s]+\/[^/\s]+:\d+)(?=[\s:])/, "…/$1");
}
