// The @google/genai package: each named error, retries, and streams that break.

import { ApiError, BlockedReason, GoogleGenAI } from "@google/genai";
import { URL, all, assert, broken, byEvents, rejection, test, watched } from "./cases.mjs";

const client = new GoogleGenAI({ apiKey: "key", httpOptions: { baseUrl: URL } });
const vertex = new GoogleGenAI({ vertexai: true, apiKey: "key", httpOptions: { baseUrl: URL } });
const requestOf = (model, config = {}) => ({ model, contents: "hi", config });

// The status, and the status in Google's words. A filtered prompt is no error here.
const ERRORS = {
  bad_request: [400, "INVALID_ARGUMENT"],
  authentication: [400, "INVALID_ARGUMENT"],
  permission: [403, "PERMISSION_DENIED"],
  not_found: [404, "NOT_FOUND"],
  model_not_found: [404, "NOT_FOUND"],
  model_deprecated: [404, "NOT_FOUND"],
  request_too_large: [400, "INVALID_ARGUMENT"],
  context_length: [400, "INVALID_ARGUMENT"],
  rate_limit: [429, "RESOURCE_EXHAUSTED"],
  insufficient_quota: [429, "RESOURCE_EXHAUSTED"],
  server_error: [500, "INTERNAL"],
  overloaded: [503, "UNAVAILABLE"],
  unavailable: [503, "UNAVAILABLE"],
  bad_gateway: [502, "UNAVAILABLE"],
  timeout: [504, "DEADLINE_EXCEEDED"],
};

/** The fields of an error: the package has the body as its message. */
function errorOf(error) {
  assert.ok(error instanceof ApiError, String(error));
  assert.equal(error.name, "ApiError");
  const { error: inner } = JSON.parse(error.message);
  assert.equal(inner.code, error.status);
  assert.ok(inner.message.length > 10);
  return inner;
}

async function seen(ask) {
  const found = {};
  for (const name of Object.keys(ERRORS)) {
    const { code, status } = errorOf(await rejection(ask(name)));
    found[name] = [code, status];
  }
  return found;
}

test("each named error has its status", async () => {
  assert.deepEqual(await seen((name) => client.models.generateContent(requestOf(name))), ERRORS);
});

test("each named error of Vertex AI, which requires other credentials", async () => {
  const expected = { ...ERRORS, authentication: [401, "UNAUTHENTICATED"] };
  assert.deepEqual(await seen((name) => vertex.models.generateContent(requestOf(name))), expected);
});

test("each named error has its status where a stream was requested", async () => {
  for (const [name, [code]] of Object.entries(ERRORS)) {
    const error = await rejection(client.models.generateContentStream(requestOf(name)));
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.status, code, name);
  }
});

test("a quota says when to come back", async () => {
  const { details } = errorOf(await rejection(client.models.generateContent(requestOf("rate_limit"))));
  const info = details.find((each) => each["@type"] === "type.googleapis.com/google.rpc.RetryInfo");
  assert.match(info.retryDelay, /^\d+s$/);
});

test("a prompt that was blocked is a response without candidates", async () => {
  const whole = await client.models.generateContent(requestOf("content_filter"));
  const [streamed] = await all(await client.models.generateContentStream(requestOf("content_filter")));
  for (const answer of [whole, streamed]) {
    assert.equal(answer.candidates, undefined);
    assert.equal(answer.promptFeedback.blockReason, BlockedReason.PROHIBITED_CONTENT);
  }
});

test("a mistake of the caller says what is wrong", async () => {
  const error = errorOf(
    await rejection(client.models.generateContent(requestOf("gemini-mock", { temperature: 3 }))),
  );
  assert.equal(error.status, "INVALID_ARGUMENT");
  assert.match(error.message, /temperature/);
});

function patient(name, attempts) {
  const watch = watched();
  const headers = { "x-case": `google ${name}` };
  const retryOptions = { attempts, initialDelay: 0.01, maxDelay: 0.02, jitter: 0 };
  const httpOptions = { baseUrl: URL, headers, retryOptions, fetch: watch.fetch };
  return { made: new GoogleGenAI({ apiKey: "key", httpOptions }), watch };
}

test("retries that the caller requests reach the response, at the caller's pace", async () => {
  const { made, watch } = patient("whole", 3);
  assert.equal((await made.models.generateContent(requestOf("twice-limited"))).text, "Third time lucky.");
  assert.deepEqual(watch.statuses(), [429, 429, 200]);
});

test("a stream is retried before it begins", async () => {
  const { made, watch } = patient("streamed", 2);
  const chunks = await all(await made.models.generateContentStream(requestOf("once-overloaded")));
  assert.equal(chunks.map((chunk) => chunk.text ?? "").join(""), "At last.");
  assert.deepEqual(watch.statuses(), [503, 200]);
});

test("one retry too few and the error comes through", async () => {
  const { made, watch } = patient("impatient", 2);
  assert.equal(errorOf(await rejection(made.models.generateContent(requestOf("twice-limited")))).code, 429);
  assert.deepEqual(watch.statuses(), [429, 429]);
});

test("without a setting for it the package does not retry", async () => {
  const watch = watched();
  const made = new GoogleGenAI({ apiKey: "key", httpOptions: { baseUrl: URL, fetch: watch.fetch } });
  await rejection(made.models.generateContent(requestOf("rate_limit")));
  assert.deepEqual(watch.statuses(), [429]);
});

test("a client that does not wait is aborted", async () => {
  const error = await rejection(
    client.models.generateContent(requestOf("slow", { httpOptions: { timeout: 100 } })),
  );
  assert.match(String(error), /abort|timeout/i);
});

test("an error inside a stream comes behind the earlier text", async () => {
  // The package knows such an error only where one read has it and nothing else.
  const httpOptions = { baseUrl: URL, fetch: byEvents };
  for (const vertexai of [false, true]) {
    const ask = new GoogleGenAI({ vertexai, apiKey: "key", httpOptions });
    const { items, error } = await broken(ask.models.generateContentStream(requestOf("breaks-off")));
    assert.deepEqual(items.map((chunk) => chunk.text).filter(Boolean), ["Once", " upon"]);
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.status, 503);
  }
});

test("a malformed chunk breaks the stream behind the earlier text", async () => {
  const { items, error } = await broken(client.models.generateContentStream(requestOf("broken-chunk")));
  assert.deepEqual(items.map((chunk) => chunk.text).filter(Boolean), ["One"]);
  assert.match(String(error), /JSON|parse|Incomplete/);
});
