// The openai package: the class and fields of each named error, retries, and streams that break.

import OpenAI from "openai";
import { URL, assert, broken, rejection, test, waited, watched } from "./cases.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: "sk-test", maxRetries: 0, logLevel: "off" });
const requestOf = (model, more = {}) => ({ model, messages: [{ role: "user", content: "hi" }], ...more });

// The class, status, type and code of each.
const ERRORS = {
  bad_request: ["BadRequestError", 400, "invalid_request_error", null],
  authentication: ["AuthenticationError", 401, "invalid_request_error", "invalid_api_key"],
  permission: ["PermissionDeniedError", 403, "request_forbidden", "unsupported_country_region_territory"],
  not_found: ["NotFoundError", 404, "invalid_request_error", null],
  model_not_found: ["NotFoundError", 404, "invalid_request_error", "model_not_found"],
  model_deprecated: ["NotFoundError", 404, "invalid_request_error", "model_not_found"],
  request_too_large: ["APIError", 413, "invalid_request_error", null],
  context_length: ["BadRequestError", 400, "invalid_request_error", "context_length_exceeded"],
  rate_limit: ["RateLimitError", 429, "tokens", "rate_limit_exceeded"],
  insufficient_quota: ["RateLimitError", 429, "insufficient_quota", "insufficient_quota"],
  content_filter: ["BadRequestError", 400, "invalid_request_error", "invalid_prompt"],
  server_error: ["InternalServerError", 500, "server_error", null],
  overloaded: ["InternalServerError", 503, "server_error", null],
  unavailable: ["InternalServerError", 503, "server_error", null],
  bad_gateway: ["InternalServerError", 502, "server_error", null],
  timeout: ["InternalServerError", 504, "server_error", null],
};

async function seen(ask) {
  const found = {};
  for (const name of Object.keys(ERRORS)) {
    const error = await rejection(ask(name));
    assert.ok(error instanceof OpenAI.APIError, `${name}: ${error}`);
    assert.match(error.requestID, /^req_/, name);
    assert.ok(error.message.startsWith(`${error.status} `) && error.message.length > 10, error.message);
    assert.ok(error.headers.get("content-type").startsWith("application/json"), name);
    found[name] = [error.constructor.name, error.status, error.type, error.code];
  }
  return found;
}

test("each named error has its class, status, type and code", async () => {
  assert.deepEqual(await seen((name) => client.chat.completions.create(requestOf(name))), ERRORS);
});

test("each named error is the same for a stream", async () => {
  assert.deepEqual(
    await seen((name) => client.chat.completions.create(requestOf(name, { stream: true }))),
    ERRORS,
  );
});

test("each named error of responses, where an unknown model is a 400", async () => {
  const expected = {
    ...ERRORS,
    model_not_found: ["BadRequestError", 400, "invalid_request_error", "model_not_found"],
    model_deprecated: ["BadRequestError", 400, "invalid_request_error", "model_not_found"],
    server_error: ["InternalServerError", 500, "server_error", "server_error"],
  };
  assert.deepEqual(await seen((name) => client.responses.create({ model: name, input: "hi" })), expected);
});

test("a mistake of the caller names its parameter", async () => {
  const error = await rejection(client.chat.completions.create(requestOf("gpt-4o", { temperature: 3 })));
  assert.ok(error instanceof OpenAI.BadRequestError, String(error));
  assert.equal(error.param, "temperature");
  assert.equal(error.type, "invalid_request_error");
});

test("a wrong path is the package's NotFoundError", async () => {
  const elsewhere = new OpenAI({ baseURL: `${URL}/v1/v1`, apiKey: "sk", maxRetries: 0 });
  const error = await rejection(elsewhere.chat.completions.create(requestOf("gpt-4o")));
  assert.ok(error instanceof OpenAI.NotFoundError, String(error));
  assert.match(error.message, /\/v1/);
});

function patient(name, maxRetries) {
  const watch = watched();
  const defaultHeaders = { "x-case": `openai ${name}` };
  const made = new OpenAI({
    baseURL: `${URL}/v1`,
    apiKey: "sk",
    maxRetries,
    defaultHeaders,
    fetch: watch.fetch,
  });
  return { made, watch };
}

test("two retries, then the response comes", async () => {
  const { made, watch } = patient("waits", 2);
  const answer = await made.chat.completions.create(requestOf("twice-limited"));
  assert.equal(answer.choices[0].message.content, "Third time lucky.");
  assert.deepEqual(watch.statuses(), [429, 429, 200]);
  waited(watch.gaps(), 50);
  assert.deepEqual(
    watch.requests.map(({ headers }) => headers.get("x-stainless-retry-count")),
    ["0", "1", "2"],
  );
});

test("a retry waits as long as the server says, in responses as well", async () => {
  const { made, watch } = patient("waits longer", 1);
  const answer = await made.responses.create({ model: "once-limited", input: "hi" });
  assert.equal(answer.output_text, "Patience pays.");
  assert.deepEqual(watch.statuses(), [429, 200]);
  waited(watch.gaps(), 1000); // by itself the package waits 500 ms at most
});

test("who waits as long as a limit says passes at the next try", async () => {
  const { made, watch } = patient("limit", 2);
  for (let calls = 0; calls < 10 && !watch.statuses().includes(429); calls++) {
    const answer = await made.chat.completions.create(requestOf("truly-limited"));
    assert.equal(answer.choices[0].message.content, "There was room.");
  }
  assert.deepEqual(watch.statuses().slice(-2), [429, 200]);
});

test("one retry too few and the error comes through", async () => {
  const { made, watch } = patient("impatient", 1);
  const error = await rejection(made.chat.completions.create(requestOf("twice-limited")));
  assert.ok(error instanceof OpenAI.RateLimitError, String(error));
  assert.equal(error.headers.get("retry-after-ms"), "50");
  assert.deepEqual(watch.statuses(), [429, 429]);
});

test("a stream is retried before it begins", async () => {
  const { made, watch } = patient("streamed", 2);
  const stream = made.chat.completions.stream(requestOf("twice-limited"));
  assert.equal(await stream.finalContent(), "Third time lucky.");
  assert.deepEqual(watch.statuses(), [429, 429, 200]);
});

test("a mistake is not retried", async () => {
  const { made, watch } = patient("mistake", 2);
  await rejection(made.chat.completions.create(requestOf("bad_request")));
  assert.deepEqual(watch.statuses(), [400]);
});

test("a rule sees that it is a retry", async () => {
  const { made } = patient("seen", 1);
  const answer = await made.chat.completions.create(requestOf("retries-are-seen"));
  assert.equal(answer.choices[0].message.content, "You tried again.");
});

test("a client that does not wait has its own timeout error", async () => {
  const error = await rejection(client.chat.completions.create(requestOf("slow"), { timeout: 100 }));
  assert.ok(error instanceof OpenAI.APIConnectionTimeoutError, String(error));
});

test("a request that is taken back is a user's abort", async () => {
  const signal = AbortSignal.timeout(50);
  const error = await rejection(client.chat.completions.create(requestOf("slow"), { signal }));
  assert.ok(error instanceof OpenAI.APIUserAbortError, String(error));
});

test("an error inside a stream comes behind the earlier text", async () => {
  const { items, error } = await broken(
    client.chat.completions.create(requestOf("breaks-off", { stream: true })),
  );
  const texts = items.flatMap((chunk) => chunk.choices.map((choice) => choice.delta.content)).filter(Boolean);
  assert.deepEqual(texts, ["Once", " upon"]);
  assert.ok(error instanceof OpenAI.APIError, String(error));
  assert.equal(error.type, "server_error");
  assert.match(error.message, /overloaded/);
});

test("an error inside a stream of responses comes behind the earlier text", async () => {
  const { items, error } = await broken(
    client.responses.create({ model: "breaks-off", input: "hi", stream: true }),
  );
  const texts = items
    .filter((event) => event.type === "response.output_text.delta")
    .map((event) => event.delta);
  assert.deepEqual(texts, ["Once", " upon"]);
  assert.ok(error instanceof OpenAI.APIError, String(error));
});

test("a malformed chunk is a SyntaxError behind the earlier text", async () => {
  const { items, error } = await broken(
    client.chat.completions.create(requestOf("broken-chunk", { stream: true })),
  );
  const texts = items.flatMap((chunk) => chunk.choices.map((choice) => choice.delta.content)).filter(Boolean);
  assert.deepEqual(texts, ["One"]);
  assert.ok(error instanceof SyntaxError, String(error));
});
