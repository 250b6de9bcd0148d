// What the scripts of this folder share: the server's address, a tool, a schema, and how responses are collected.
// Each script holds one SDK against a live server; `node SCRIPT` runs it, test_js_sdks.py makes a test of each case.

import assert from "node:assert/strict";
import { test as nodeTest } from "node:test";
import { z } from "zod";

export { assert };

/** Where the server listens. */
export const URL = process.env.MOCKLLM_URL;
if (!URL) throw new Error("MOCKLLM_URL says where the server listens");

/** Which client the script shall make, where it has several. */
export const CLIENT = process.env.MOCKLLM_CLIENT ?? "";

/** One case. What hangs fails. */
export const test = (name, ask) => nodeTest(name, { timeout: 60_000 }, ask);

export const HELLO = "Hello, world. It is a fine day.";

/** The arguments of get_weather, as JSON Schema. */
export const CITY = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

/** The requested form of structured output. */
export const Weather = z.object({ city: z.string(), degrees: z.number().int() });
export const PARIS = { city: "Paris", degrees: 21 };

/** A picture of one pixel, in base64. */
export const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** All items of an async iterable. */
export async function all(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** What a promise is rejected with; fails where it is not. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail("nothing was thrown");
}

/** What a stream gave before it failed, and what it failed with. */
export async function broken(stream) {
  const items = [];
  const error = await rejection(
    (async () => {
      for await (const item of await stream) items.push(item);
    })(),
  );
  return { items, error };
}

/** A fetch that remembers each request: its time in milliseconds, its headers and the status it got. */
export function watched() {
  const requests = [];
  const watch = async (input, init) => {
    const request = {
      at: performance.now(),
      headers: new Headers(init?.headers ?? input?.headers),
      status: null,
    };
    requests.push(request);
    const answer = await fetch(input, init);
    request.status = answer.status;
    return answer;
  };
  const gaps = () => requests.slice(1).map((request, index) => request.at - requests[index].at);
  const statuses = () => requests.map((request) => request.status);
  return { fetch: watch, requests, gaps, statuses };
}

/** A fetch whose responses come in one read for each event, as from afar, however they were sent. */
export async function byEvents(input, init) {
  const answer = await fetch(input, init);
  const events = (await answer.text()).split(/(?<=\r?\n\r?\n)/);
  const bytes = new TextEncoder();
  const body = new ReadableStream({
    pull: (reader) => (events.length ? reader.enqueue(bytes.encode(events.shift())) : reader.close()),
  });
  return new Response(body, answer);
}

/** Each of these waits was so many milliseconds long, or longer: a loaded machine is late, never early. */
export function waited(gaps, least) {
  for (const gap of gaps) assert.ok(gap >= least - 10, `waited ${gap.toFixed(0)} ms, not ${least}`);
}
