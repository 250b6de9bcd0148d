// Vercel's `ai` with its providers: the class and fields of each named error, retries, and streams that break.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, RetryError, generateText, streamText } from "ai";
import { CLIENT, URL, all, assert, rejection, test, waited, watched } from "./cases.mjs";

const OPENAI = {
  bad_request: [400, false, "invalid_request_error"],
  authentication: [401, false, "invalid_request_error"],
  permission: [403, false, "request_forbidden"],
  not_found: [404, false, "invalid_request_error"],
  model_not_found: [404, false, "invalid_request_error"],
  model_deprecated: [404, false, "invalid_request_error"],
  request_too_large: [413, false, "invalid_request_error"],
  context_length: [400, false, "invalid_request_error"],
  rate_limit: [429, true, "tokens"],
  insufficient_quota: [429, true, "insufficient_quota"],
  content_filter: [400, false, "invalid_request_error"],
  server_error: [500, true, "server_error"],
  overloaded: [503, true, "server_error"],
  unavailable: [503, true, "server_error"],
  bad_gateway: [502, true, "server_error"],
  timeout: [504, true, "server_error"],
};

// Of each provider: how it is made, and the status of each named error, whether to try again, and its type.
const CLIENTS = {
  "openai responses": {
    make: (more) => createOpenAI({ baseURL: `${URL}/v1`, apiKey: "sk", ...more }),
    type: (data) => data.error.type,
    errors: {
      ...OPENAI,
      model_not_found: [400, false, "invalid_request_error"],
      model_deprecated: [400, false, "invalid_request_error"],
    },
  },
  "openai chat": {
    make: (more) => createOpenAI({ baseURL: `${URL}/v1`, apiKey: "sk", ...more }).chat,
    type: (data) => data.error.type,
    errors: OPENAI,
  },
  anthropic: {
    make: (more) => createAnthropic({ baseURL: `${URL}/v1`, apiKey: "sk", ...more }),
    type: (data) => data.error.type,
    errors: {
      bad_request: [400, false, "invalid_request_error"],
      authentication: [401, false, "authentication_error"],
      permission: [403, false, "permission_error"],
      not_found: [404, false, "not_found_error"],
      model_not_found: [404, false, "not_found_error"],
      model_deprecated: [404, false, "not_found_error"],
      request_too_large: [413, false, "request_too_large"],
      context_length: [400, false, "invalid_request_error"],
      rate_limit: [429, true, "rate_limit_error"],
      insufficient_quota: [402, false, "billing_error"],
      content_filter: [400, false, "invalid_request_error"],
      server_error: [500, true, "api_error"],
      overloaded: [529, true, "overloaded_error"],
      unavailable: [503, true, "api_error"],
      bad_gateway: [502, true, "api_error"],
      timeout: [504, true, "timeout_error"],
    },
  },
  google: {
    make: (more) => createGoogleGenerativeAI({ baseURL: `${URL}/v1beta`, apiKey: "key", ...more }),
    type: (data) => data.error.status,
    // Without content_filter, which is no error here but a response without candidates.
    errors: {
      bad_request: [400, false, "INVALID_ARGUMENT"],
      authentication: [400, false, "INVALID_ARGUMENT"],
      permission: [403, false, "PERMISSION_DENIED"],
      not_found: [404, false, "NOT_FOUND"],
      model_not_found: [404, false, "NOT_FOUND"],
      model_deprecated: [404, false, "NOT_FOUND"],
      request_too_large: [400, false, "INVALID_ARGUMENT"],
      context_length: [400, false, "INVALID_ARGUMENT"],
      rate_limit: [429, true, "RESOURCE_EXHAUSTED"],
      insufficient_quota: [429, true, "RESOURCE_EXHAUSTED"],
      server_error: [500, true, "INTERNAL"],
      overloaded: [503, true, "UNAVAILABLE"],
      unavailable: [503, true, "UNAVAILABLE"],
      bad_gateway: [502, true, "UNAVAILABLE"],
      timeout: [504, true, "DEADLINE_EXCEEDED"],
    },
  },
};
globalThis.AI_SDK_LOG_WARNINGS = false; // it warns of models that it does not know
const { make, type, errors } = CLIENTS[CLIENT];
const ask = (name, more = {}) => ({ model: make()(name), prompt: "hi", maxRetries: 0, ...more });

/** The error that a stream's reader gets, and the texts before it. */
async function broken(question) {
  const parts = await all(streamText({ ...question, onError: () => {} }).fullStream);
  const texts = parts.filter((part) => part.type === "text-delta").map((part) => part.text);
  const finish = parts.find((part) => part.type === "finish")?.finishReason;
  return { texts, finish, error: parts.find((part) => part.type === "error")?.error };
}

function errorOf(error) {
  assert.ok(APICallError.isInstance(error), String(error));
  assert.ok(error.message.length > 5, error.message);
  return [error.statusCode, error.isRetryable, type(JSON.parse(error.responseBody))];
}

test("each named error has its status, its type, and whether to try again", async () => {
  const found = {};
  for (const name of Object.keys(errors)) {
    const error = await rejection(generateText(ask(name)));
    found[name] = errorOf(error);
    // The package understands each envelope but the one of the proxy in front of Anthropic, which has fewer words.
    if (error.data || name !== "request_too_large") assert.equal(type(error.data), found[name][2]);
  }
  assert.deepEqual(found, errors);
});

test("each named error is the same for a stream", async () => {
  const found = {};
  for (const name of Object.keys(errors)) {
    const { error } = await broken(ask(name));
    assert.ok(APICallError.isInstance(error), `${name}: ${error}`);
    found[name] = error.statusCode;
  }
  assert.deepEqual(
    found,
    Object.fromEntries(Object.entries(errors).map(([name, [status]]) => [name, status])),
  );
});

function patient(name) {
  const watch = watched();
  const made = make({ fetch: watch.fetch, headers: { "x-case": `${CLIENT}, ${name}` } });
  return { made, watch };
}

test("retries wait as long as the server says, then the response comes", async () => {
  const { made, watch } = patient("waits");
  const { text } = await generateText(ask("", { model: made("long-limited"), maxRetries: 1 }));
  assert.equal(text, "Patience pays.");
  assert.deepEqual(watch.statuses(), [429, 200]);
  // By itself the package waits two seconds; Gemini says it in the body, where the package does not look.
  waited(watch.gaps(), CLIENT === "google" ? 2000 : 2300);
});

test("one retry too few is a RetryError with each error that was met", async () => {
  const { made, watch } = patient("impatient");
  const error = await rejection(generateText(ask("", { model: made("twice-limited"), maxRetries: 1 })));
  assert.ok(RetryError.isInstance(error), String(error));
  assert.equal(error.reason, "maxRetriesExceeded");
  assert.deepEqual(
    error.errors.map((each) => each.statusCode),
    [429, 429],
  );
  assert.deepEqual(watch.statuses(), [429, 429]);
});

test("a mistake is not retried", async () => {
  const { made, watch } = patient("mistake");
  const error = await rejection(generateText(ask("", { model: made("bad_request"), maxRetries: 2 })));
  assert.equal(errorOf(error)[0], 400);
  assert.deepEqual(watch.statuses(), [400]);
});

test("an error inside a stream comes behind the earlier text", async () => {
  const { texts, finish, error } = await broken(ask("breaks-off"));
  assert.deepEqual(texts, ["Once", " upon"]);
  // Gemini's error is no event, and this package passes over what is none: it sees a response without an end.
  if (CLIENT === "google") assert.match(finish, /^(other|interrupted)$/);
  else assert.match(JSON.stringify(error), /overloaded/i);
});

test("a malformed chunk is an error behind the earlier text", async () => {
  const { texts, error } = await broken(ask("broken-chunk"));
  assert.deepEqual(texts, ["One"]);
  assert.match(String(error), /JSON/);
});

test("a request that is taken back", async () => {
  const error = await rejection(generateText(ask("slow", { abortSignal: AbortSignal.timeout(50) })));
  assert.match(error.name, /AbortError|TimeoutError/);
});
