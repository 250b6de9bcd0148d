// The ollama package: chat and generate, whole and streamed, tools, formats, models, errors and streams that break.

import { Ollama } from "ollama";
import { CITY, HELLO, PARIS, URL, all, assert, broken, rejection, test } from "./cases.mjs";

const client = new Ollama({ host: URL });
const MODEL = "llama3.2";
const requestOf = (text, more = {}) => ({ model: MODEL, messages: [{ role: "user", content: text }], ...more });
const tools = [
  { type: "function", function: { name: "get_weather", description: "Looks.", parameters: CITY } },
];

test("chat returns text and counts", async () => {
  const response = await client.chat(requestOf("hello"));
  assert.equal(response.message.content, HELLO);
  assert.deepEqual([response.done, response.done_reason, response.model], [true, "stop", MODEL]);
  assert.deepEqual([response.prompt_eval_count, response.eval_count], [12, 9]);
});

test("chat streams lines", async () => {
  const parts = await all(await client.chat(requestOf("hello", { stream: true })));
  assert.equal(parts.map((part) => part.message.content).join(""), HELLO);
  assert.ok(parts.length > 3);
  assert.deepEqual([parts.at(-1).done, parts.at(-1).eval_count], [true, 9]);
});

test("generate returns and streams text", async () => {
  assert.equal((await client.generate({ model: MODEL, prompt: "hello" })).response, HELLO);
  const parts = await all(await client.generate({ model: MODEL, prompt: "hello", stream: true }));
  assert.equal(parts.map((part) => part.response).join(""), HELLO);
});

test("tool loop ends with text", async () => {
  const request = requestOf("weather?", { tools });
  const { message } = await client.chat(request);
  assert.deepEqual(message.tool_calls[0].function.arguments, { city: "Paris" });
  request.messages.push(message, { role: "tool", tool_name: "get_weather", content: '{"degrees": 21}' });
  assert.equal((await client.chat(request)).message.content, "It is 21 degrees.");
});

test("result without a name belongs to the open call", async () => {
  const request = requestOf("weather?", { tools });
  const { message } = await client.chat(request);
  request.messages.push(message, { role: "tool", content: '{"degrees": 21}' });
  assert.equal((await client.chat(request)).message.content, "It is 21 degrees.");
});

test("calls are streamed with their arguments as objects", async () => {
  const parts = await all(await client.chat(requestOf("both", { tools, stream: true })));
  const calls = parts.flatMap((part) => part.message.tool_calls ?? []);
  assert.deepEqual(
    calls.map((call) => call.function.arguments),
    [{ city: "Paris" }, { city: "Rome" }],
  );
});

test("format returns JSON of the schema", async () => {
  const format = { type: "object", properties: { city: { type: "string" } } };
  const response = await client.chat(requestOf("weather", { format }));
  assert.deepEqual(JSON.parse(response.message.content), PARIS);
});

test("thinking comes apart from the text", async () => {
  const { message } = await client.chat(requestOf("think", { think: true }));
  assert.deepEqual([message.thinking, message.content], ["Let me see.", "Forty-two."]);
});

test("models, embeddings and version", async () => {
  assert.ok((await client.list()).models.length > 0);
  assert.ok((await client.show({ model: MODEL })).capabilities.includes("completion"));
  assert.ok(Array.isArray((await client.ps()).models));
  const { embeddings } = await client.embed({ model: "nomic-embed-text", input: ["a", "b"], dimensions: 16 });
  assert.deepEqual(
    embeddings.map((vector) => vector.length),
    [16, 16],
  );
  assert.match((await client.version()).version, /^\d+\.\d+/);
});

test("models are pulled, created, copied, pushed and deleted", async () => {
  const parts = await all(await client.pull({ model: "mine", stream: true }));
  assert.deepEqual([parts[0].status, parts.at(-1).status], ["pulling manifest", "success"]);
  assert.equal((await client.create({ model: "own", from: "mine", system: "Hi." })).status, "success");
  assert.equal((await client.copy({ source: "mine", destination: "me/copy" })).status, "success");
  assert.equal((await client.push({ model: "me/copy" })).status, "success");
  assert.equal((await client.delete({ model: "mine" })).status, "success");
  const names = (await client.list()).models.map((entry) => entry.name);
  assert.ok(names.includes("own:latest") && names.includes("me/copy:latest") && !names.includes("mine:latest"));
  const error = await rejection(client.delete({ model: "mine" }));
  assert.deepEqual([error.status_code, error.error], [404, "model 'mine' not found"]);
});

// The status of each.
const ERRORS = {
  bad_request: 400,
  authentication: 401,
  permission: 403,
  not_found: 404,
  model_not_found: 404,
  rate_limit: 429,
  server_error: 500,
  overloaded: 503,
  unavailable: 503,
};

test("each named error has its status and message", async () => {
  const found = {};
  for (const model of Object.keys(ERRORS)) {
    const error = await rejection(client.chat(requestOf("hi", { model })));
    assert.equal(error.name, "ResponseError", model);
    assert.ok(error.error.length > 5, model);
    found[model] = error.status_code;
  }
  assert.deepEqual(found, ERRORS);
});

test("error in a stream is thrown after its text", async () => {
  const { items, error } = await broken(client.chat(requestOf("hi", { model: "breaks-off", stream: true })));
  assert.equal(items.map((part) => part.message.content).join(""), "Once upon");
  assert.match(error.message, /server busy/);
});

test("aborted stream ends with an AbortError", async () => {
  const own = new Ollama({ host: URL });
  const stream = await own.chat(requestOf("hello", { stream: true }));
  own.abort();
  const { error } = await broken(stream);
  assert.equal(error.name, "AbortError");
});
