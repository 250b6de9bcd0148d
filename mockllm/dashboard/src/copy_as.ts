// A request as a command or a program that sends it again. Keys are not stored: variables take their place.

import type { Detail } from "./models.ts";
import { hasDots } from "./sent_path.ts";

/** Headers that a client sets itself, or that belong to the connection. */
const OWN = new Set([
  "host", "content-length", "connection", "accept-encoding", "user-agent", "origin", "referer", "cookie", "transfer-encoding",
  "expect", "te", "upgrade", "keep-alive", "accept-language", "content-encoding", // the journal has the decoded body
]);
const REMOVED = "REDACTED";

/** Returns the headers of a request that another client sends again. */
export function sentHeaders(detail: Detail, key: string): [string, string][] {
  return detail.request.headers
    .filter(({ name }) => !OWN.has(name.toLowerCase()) && !/^(sec-|x-stainless-|x-forwarded-)/i.test(name))
    .map(({ name, value }) => [name, value.replace(REMOVED, key)]);
}

/** Returns the body that was sent; null if there was none, or none that is a text. */
export function bodyText(detail: Detail): string | null {
  const { body, text } = detail.request;
  return (text ?? (body === null ? null : JSON.stringify(body))) || null;
}

/** Returns why no client can send an entry of the journal again as a request; null if one can. */
export function unrepeatable(detail: Detail): string | null {
  if (detail.method.startsWith("WS ") || detail.status === 101) return "This is part of a WebSocket: it cannot be sent again as a request.";
  if (!detail.path.startsWith("/")) return "These bytes are not a request that a client can send.";
  return null;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Returns a word of a POSIX shell. A client's text must not be code. */
function word(text: string): string {
  return /^[\w-]+$/.test(text) ? text : quoted(text);
}

/** Returns a command of a POSIX shell. */
export function asCurl(detail: Detail, origin: string): string {
  const body = bodyText(detail);
  const parts = [`curl ${detail.streamed ? "-N " : ""}${detail.method === (body === null ? "GET" : "POST") ? "" : `-X ${word(detail.method)} `}${/[[\]{}]/.test(detail.path) ? "--globoff " : ""}${hasDots(detail.path) ? "--path-as-is " : ""}${quoted(origin + detail.path)}`];
  for (const [name, value] of sentHeaders(detail, REMOVED)) {
    const texts = `${name}: ${value}`.split(REMOVED);
    parts.push(`-H ${texts.map((text) => text && quoted(text)).join('"$API_KEY"')}`);
  }
  if (body !== null) parts.push(`--data-raw ${quoted(body)}`);
  return `${parts.join(" \\\n  ")}\n`;
}
