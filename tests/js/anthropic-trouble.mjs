// The @anthropic-ai/sdk package: the class and fields of each named error, retries, and streams that break.

import Anthropic from "@anthropic-ai/sdk";
import { URL, assert, broken, rejection, test, waited, watched } from "./cases.mjs";

const client = new Anthropic({ baseURL: URL, apiKey: "sk-test", maxRetries: 0, logLevel: "off" });
const requestOf = (model, more = {}) => ({
  model,
  max_tokens: 99,
  messages: [{ role: "user", content: "hi" }],
  ...more,
});

// The class, status and type of each.
const ERRORS = {
  bad_request: ["BadRequestError", 400, "invalid_request_error"],
  authentication: ["AuthenticationError", 401, "authentication_error"],
  permission: ["PermissionDeniedError", 403, "permission_error"],
  not_found: ["NotFoundError", 404, "not_found_error"],
  model_not_found: ["NotFoundError", 404, "not_found_error"],
  model_deprecated: ["NotFoundError", 404, "not_found_error"],
  request_too_large: ["ContentTooLargeError", 413, "request_too_large"],
  context_length: ["BadRequestError", 400, "invalid_request_error"],
  rate_limit: ["RateLimitError", 429, "rate_limit_error"],
  insufficient_quota: ["PaymentRequiredError", 402, "billing_error"],
  content_filter: ["BadRequestError", 400, "invalid_request_error"],
  server_error: ["InternalServerError", 500, "api_error"],
  overloaded: ["OverloadedError", 529, "overloaded_error"],
  unavailable: ["ServiceUnavailableError", 503, "api_error"],
  bad_gateway: ["InternalServerError", 502, "api_error"],
  timeout: ["GatewayTimeoutError", 504, "timeout_error"],
};

async function seen(ask) {
  const found = {};
  for (const name of Object.keys(ERRORS)) {
    const error = await rejection(ask(name));
    assert.ok(error instanceof Anthropic.APIError, `${name}: ${error}`);
    // A request that is too large is turned away by the proxy in front, in fewer words and without an id.
    if (name !== "request_too_large") {
      assert.match(error.requestID, /^req_01/, name);
      assert.deepEqual([error.error.type, error.error.request_id], ["error", error.requestID]);
    }
    assert.equal(error.error.error.type, error.type);
    found[name] = [error.constructor.name, error.status, error.type];
  }
  return found;
}

test("each named error has its class, status and type", async () => {
  assert.deepEqual(await seen((name) => client.messages.create(requestOf(name))), ERRORS);
});

test("each named error is the same for a stream", async () => {
  assert.deepEqual(await seen((name) => client.messages.create(requestOf(name, { stream: true }))), ERRORS);
});

test("each named error is the same of the stream helper", async () => {
  assert.deepEqual(await seen((name) => client.messages.stream(requestOf(name)).finalMessage()), ERRORS);
});

test("a mistake in what is to be counted is the same error", async () => {
  const { max_tokens, ...question } = requestOf("claude-mock");
  const error = await rejection(client.messages.countTokens({ ...question, messages: [] }));
  assert.ok(error instanceof Anthropic.BadRequestError, String(error));
  assert.match(error.error.error.message, /messages/);
});

test("a mistake of the caller names its field", async () => {
  const error = await rejection(client.messages.create(requestOf("claude-mock", { temperature: 2 })));
  assert.ok(error instanceof Anthropic.BadRequestError, String(error));
  assert.match(error.error.error.message, /^temperature: /);
});

function patient(name, maxRetries) {
  const watch = watched();
  const defaultHeaders = { "x-case": `anthropic ${name}` };
  const made = new Anthropic({ baseURL: URL, apiKey: "sk", maxRetries, defaultHeaders, fetch: watch.fetch });
  return { made, watch };
}

test("retries wait as long as the server says, then the response comes", async () => {
  const { made, watch } = patient("waits", 1);
  const answer = await made.messages.create(requestOf("once-limited"));
  assert.equal(answer.content[0].text, "Patience pays.");
  assert.deepEqual(watch.statuses(), [429, 200]);
  waited(watch.gaps(), 1000); // by itself the package waits 500 ms at most
  assert.deepEqual(
    watch.requests.map(({ headers }) => headers.get("x-stainless-retry-count")),
    ["0", "1"],
  );
});

test("two retries, then the response comes", async () => {
  const { made, watch } = patient("twice", 2);
  const answer = await made.messages.create(requestOf("twice-limited"));
  assert.equal(answer.content[0].text, "Third time lucky.");
  assert.deepEqual(watch.statuses(), [429, 429, 200]);
});

test("who waits as long as a limit says passes at the next try", async () => {
  const { made, watch } = patient("limit", 2);
  for (let calls = 0; calls < 10 && !watch.statuses().includes(429); calls++) {
    assert.equal((await made.messages.create(requestOf("truly-limited"))).content[0].text, "There was room.");
  }
  assert.deepEqual(watch.statuses().slice(-2), [429, 200]);
});

test("an overloaded provider is tried again", async () => {
  const { made, watch } = patient("overloaded", 1);
  const stream = made.messages.stream(requestOf("once-overloaded"));
  assert.equal(await stream.finalText(), "At last.");
  assert.deepEqual(watch.statuses(), [529, 200]);
});

test("one retry too few and the error comes through", async () => {
  const { made, watch } = patient("impatient", 1);
  const error = await rejection(made.messages.create(requestOf("twice-limited")));
  assert.ok(error instanceof Anthropic.RateLimitError, String(error));
  assert.ok(error.headers.has("retry-after"));
  assert.deepEqual(watch.statuses(), [429, 429]);
});

test("a mistake is not retried", async () => {
  const { made, watch } = patient("mistake", 2);
  await rejection(made.messages.create(requestOf("bad_request")));
  assert.deepEqual(watch.statuses(), [400]);
});

test("a rule sees that it is a retry", async () => {
  const { made } = patient("seen", 1);
  assert.equal((await made.messages.create(requestOf("retries-are-seen"))).content[0].text, "You tried again.");
});

test("a client that does not wait has its own timeout error", async () => {
  const error = await rejection(client.messages.create(requestOf("slow"), { timeout: 100 }));
  assert.ok(error instanceof Anthropic.APIConnectionTimeoutError, String(error));
});

test("an error inside a stream comes behind the earlier text", async () => {
  const { items, error } = await broken(client.messages.create(requestOf("breaks-off", { stream: true })));
  const texts = items.filter((event) => event.type === "content_block_delta").map((event) => event.delta.text);
  assert.deepEqual(texts, ["Once", " upon"]);
  assert.ok(error instanceof Anthropic.APIError, String(error));
  assert.equal(error.error.error.type, "overloaded_error");
});

test("an error inside a stream ends the stream helper", async () => {
  const stream = client.messages.stream(requestOf("breaks-off"));
  const seen = [];
  stream.on("text", (delta) => seen.push(delta));
  const error = await rejection(stream.finalMessage());
  assert.ok(error instanceof Anthropic.APIError, String(error));
  assert.deepEqual(seen, ["Once", " upon"]);
});

test("a malformed chunk is a SyntaxError behind the earlier text", async () => {
  const { items, error } = await broken(client.messages.create(requestOf("broken-chunk", { stream: true })));
  const texts = items.filter((event) => event.type === "content_block_delta").map((event) => event.delta.text);
  assert.deepEqual(texts, ["One"]);
  assert.ok(error instanceof SyntaxError, String(error));
});
