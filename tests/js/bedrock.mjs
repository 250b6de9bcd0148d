// AWS's client for Amazon Bedrock: converse and invoke, whole and streamed, tools, errors by name, and its retries.

import {
  BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { CITY, HELLO, PARIS, URL, all, assert, broken, rejection, test, waited } from "./cases.mjs";

const MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0";
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };

/** Alone of AWS's clients this one speaks HTTP/2 by default, also without TLS. */
function clientWith(more = {}) {
  const settings = { endpoint: URL, region: "us-east-1", credentials, maxAttempts: 1 };
  return new BedrockRuntimeClient({ ...settings, ...more });
}

const client = clientWith();
const requestOf = (text, more = {}) => ({
  modelId: MODEL,
  messages: [{ role: "user", content: [{ text }] }],
  ...more,
});
const toolConfig = {
  tools: [{ toolSpec: { name: "get_weather", description: "Looks.", inputSchema: { json: CITY } } }],
};
const textOf = (events) => events.map((event) => event.contentBlockDelta?.delta?.text ?? "").join("");
const decoded = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

test("invoke returns the vectors of a model of embeddings", async () => {
  const body = JSON.stringify({ inputText: "hello", dimensions: 256 });
  const command = new InvokeModelCommand({ modelId: "amazon.titan-embed-text-v2:0", body });
  const { embedding, inputTextTokenCount } = decoded((await client.send(command)).body);
  assert.deepEqual([embedding.length, inputTextTokenCount > 0], [256, true]);
});

test("converse returns text and usage", async () => {
  const response = await client.send(new ConverseCommand(requestOf("hello")));
  assert.deepEqual(response.output.message, { role: "assistant", content: [{ text: HELLO }] });
  assert.equal(response.stopReason, "end_turn");
  assert.deepEqual([response.usage.inputTokens, response.usage.outputTokens], [12, 9]);
  assert.match(response.$metadata.requestId, /^[0-9a-f-]{36}$/);
});

test("converse-stream returns its events in order", async () => {
  const events = await all((await client.send(new ConverseStreamCommand(requestOf("hello")))).stream);
  const names = events.map((event) => Object.keys(event)[0]);
  assert.equal(names[0], "messageStart");
  assert.deepEqual(names.slice(-3), ["contentBlockStop", "messageStop", "metadata"]);
  assert.equal(textOf(events), HELLO);
  assert.equal(events.at(-1).metadata.usage.outputTokens, 9);
});

test("tool loop over converse ends with text", async () => {
  const request = requestOf("weather?", { toolConfig });
  const { output, stopReason } = await client.send(new ConverseCommand(request));
  assert.equal(stopReason, "tool_use");
  const { toolUse } = output.message.content[0];
  assert.deepEqual(toolUse.input, { city: "Paris" });
  const toolResult = { toolUseId: toolUse.toolUseId, content: [{ json: { degrees: 21 } }] };
  request.messages.push(output.message, { role: "user", content: [{ toolResult }] });
  const last = await client.send(new ConverseCommand(request));
  assert.equal(last.output.message.content[0].text, "It is 21 degrees.");
});

test("streamed call has its arguments in chunks", async () => {
  const { stream } = await client.send(new ConverseStreamCommand(requestOf("weather?", { toolConfig })));
  const events = await all(stream);
  const start = events.find((event) => event.contentBlockStart?.start?.toolUse);
  assert.equal(start.contentBlockStart.start.toolUse.name, "get_weather");
  const input = events.map((event) => event.contentBlockDelta?.delta?.toolUse?.input ?? "").join("");
  assert.deepEqual(JSON.parse(input), { city: "Paris" });
});

test("structured output is JSON of the schema", async () => {
  const schema = JSON.stringify({ type: "object", properties: { city: { type: "string" } } });
  const outputConfig = {
    textFormat: { type: "json_schema", structure: { jsonSchema: { name: "Weather", schema } } },
  };
  const response = await client.send(new ConverseCommand(requestOf("weather", { outputConfig })));
  assert.deepEqual(JSON.parse(response.output.message.content[0].text), PARIS);
});

test("invoke returns the body of the model's maker", async () => {
  const messages = [{ role: "user", content: "hello" }];
  const body = JSON.stringify({ anthropic_version: "bedrock-2023-05-31", max_tokens: 100, messages });
  const claude = await client.send(new InvokeModelCommand({ modelId: MODEL, body }));
  assert.equal(decoded(claude.body).content[0].text, HELLO);
  const prompt = JSON.stringify({ inputText: "hello" });
  const titan = await client.send(
    new InvokeModelCommand({ modelId: "amazon.titan-text-express-v1", body: prompt }),
  );
  assert.equal(decoded(titan.body).results[0].outputText, HELLO);
});

test("invoke-with-response-stream returns events in chunks", async () => {
  const messages = [{ role: "user", content: "hello" }];
  const body = JSON.stringify({ anthropic_version: "bedrock-2023-05-31", max_tokens: 100, messages });
  const response = await client.send(new InvokeModelWithResponseStreamCommand({ modelId: MODEL, body }));
  const events = (await all(response.body)).map((event) => decoded(event.chunk.bytes));
  assert.deepEqual([events[0].type, events.at(-1).type], ["message_start", "message_stop"]);
  assert.equal(events.map((event) => event.delta?.text ?? "").join(""), HELLO);
});

test("tokens are counted", async () => {
  const input = { converse: { messages: requestOf("count").messages } };
  const { inputTokens } = await client.send(new CountTokensCommand({ modelId: MODEL, input }));
  assert.ok(inputTokens > 0);
});

// The name and status of each.
const ERRORS = {
  bad_request: ["ValidationException", 400],
  authentication: ["UnrecognizedClientException", 403],
  permission: ["AccessDeniedException", 403],
  not_found: ["ResourceNotFoundException", 404],
  model_not_found: ["ValidationException", 400],
  model_deprecated: ["ResourceNotFoundException", 404],
  request_too_large: ["ValidationException", 400],
  context_length: ["ValidationException", 400],
  rate_limit: ["ThrottlingException", 429],
  insufficient_quota: ["ServiceQuotaExceededException", 400],
  content_filter: ["ValidationException", 400],
  server_error: ["InternalServerException", 500],
  overloaded: ["ServiceUnavailableException", 503],
  unavailable: ["ServiceUnavailableException", 503],
  bad_gateway: ["ModelErrorException", 424],
  timeout: ["ModelTimeoutException", 408],
};

test("each named error has its name, status and message", async () => {
  for (const Command of [ConverseCommand, ConverseStreamCommand]) {
    const found = {};
    for (const name of Object.keys(ERRORS)) {
      const error = await rejection(client.send(new Command(requestOf("hi", { modelId: name }))));
      assert.ok(error instanceof BedrockRuntimeServiceException, `${name}: ${error}`);
      assert.ok(error.message.length > 10, name);
      found[name] = [error.name, error.$metadata.httpStatusCode];
    }
    assert.deepEqual(found, ERRORS);
  }
});

test("client retries what the server limits", async () => {
  const retrying = clientWith({ maxAttempts: 3 });
  const times = [];
  retrying.middlewareStack.add(
    (next) => (args) => {
      args.request.headers["x-case"] = "aws-sdk";
      times.push(performance.now());
      return next(args);
    },
    { step: "finalizeRequest", priority: "low" },
  );
  const response = await retrying.send(new ConverseCommand(requestOf("hi", { modelId: "twice-limited" })));
  assert.equal(response.output.message.content[0].text, "Third time lucky.");
  assert.equal(response.$metadata.attempts, 3);
  assert.equal(times.length, 3);
  waited([times[2] - times[0]], 1);
});

test("error in a stream is thrown after its text", async () => {
  const { stream } = await client.send(new ConverseStreamCommand(requestOf("hi", { modelId: "breaks-off" })));
  const { items, error } = await broken(stream);
  assert.equal(textOf(items), "Once upon");
  assert.equal(error.name, "ServiceUnavailableException");
});

test("stream that is cut throws after its text", async () => {
  const { stream } = await client.send(new ConverseStreamCommand(requestOf("hi", { modelId: "cut-stream" })));
  const { items, error } = await broken(stream);
  assert.ok("One two".startsWith(textOf(items)), "a reset overtakes what the client has not read");
  assert.equal(error.code, "ERR_HTTP2_STREAM_ERROR");
  const next = await client.send(new ConverseCommand(requestOf("hello")));
  assert.equal(next.output.message.content[0].text, HELLO, "the connection goes on");
});

test("connection that is reset throws", async () => {
  const error = await rejection(client.send(new ConverseCommand(requestOf("hi", { modelId: "reset-connection" }))));
  assert.ok(!(error instanceof BedrockRuntimeServiceException), String(error));
});

test("fifty streams share a connection", async () => {
  const texts = Array.from({ length: 50 }, async () => {
    const { stream } = await client.send(new ConverseStreamCommand(requestOf("hello")));
    return textOf(await all(stream));
  });
  assert.deepEqual([...new Set(await Promise.all(texts))], [HELLO]);
});
