// The @anthropic-ai/sdk package: messages whole and streamed, tools, thinking, structured output, counting, models.

import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";
import { CITY, HELLO, PARIS, PIXEL, URL, Weather, all, assert, test } from "./cases.mjs";

const client = new Anthropic({ baseURL: URL, apiKey: "sk-test", maxRetries: 0 });
const MODEL = "claude-mock";
const requestOf = (content, more = {}) => ({
  model: MODEL,
  max_tokens: 2000,
  messages: [{ role: "user", content }],
  ...more,
});
const tools = [{ name: "get_weather", description: "The weather of a city.", input_schema: CITY }];
const thinking = { type: "enabled", budget_tokens: 1024 };
const text = (message) =>
  message.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
const calls = (message) =>
  message.content.flatMap((block) => (block.type === "tool_use" ? [[block.name, block.input]] : []));

test("a text, whole", async () => {
  const answer = await client.messages.create(requestOf("hello"));
  assert.deepEqual([answer.type, answer.role, answer.model], ["message", "assistant", MODEL]);
  assert.match(answer.id, /^msg_01.{22}$/);
  assert.deepEqual(
    answer.content.map((block) => [block.type, block.text]),
    [["text", HELLO]],
  );
  assert.deepEqual([answer.stop_reason, answer.stop_sequence], ["end_turn", null]);
  assert.deepEqual([answer.usage.input_tokens, answer.usage.output_tokens], [12, 9]);
});

test("the request id of a response and its headers", async () => {
  const { data, response, request_id } = await client.messages.create(requestOf("hello")).withResponse();
  assert.match(request_id, /^req_01/);
  assert.equal(data._request_id, request_id);
  assert.equal(response.headers.get("x-mockllm-rule"), "conversation.yaml:hello");
  assert.ok(Number(response.headers.get("anthropic-ratelimit-requests-remaining")) > 0);
});

test("a text, event by event, with the usage at both ends", async () => {
  const events = await all(await client.messages.create(requestOf("in chunks", { stream: true })));
  assert.deepEqual(
    events.map((event) => event.type),
    [
      "message_start",
      "content_block_start",
      ...["content_block_delta", "content_block_delta", "content_block_delta"],
      "content_block_stop",
      "message_delta",
      "message_stop",
    ],
  );
  const deltas = events.filter((event) => event.type === "content_block_delta").map((event) => event.delta);
  assert.deepEqual(
    deltas.map((delta) => delta.text),
    ["He", "llo", ", world"],
  );
  assert.equal(events[0].message.usage.input_tokens, 3);
  const last = events.at(-2);
  assert.equal(last.delta.stop_reason, "end_turn");
  assert.equal(last.usage.output_tokens, 3);
});

test("a stream that is left in the middle", async () => {
  const stream = await client.messages.create(requestOf("count", { stream: true }));
  for await (const _ of stream) break;
  assert.ok(stream.controller.signal.aborted);
});

test("the stream helper collects the message", async () => {
  const stream = client.messages.stream(requestOf("hello"));
  const seen = [];
  stream.on("text", (delta) => seen.push(delta));
  const final = await stream.finalMessage();
  assert.ok(seen.length > 1);
  assert.equal(seen.join(""), HELLO);
  assert.equal(await stream.finalText(), HELLO);
  assert.deepEqual([final.usage.input_tokens, final.usage.output_tokens], [12, 9]);
  assert.match(stream.request_id, /^req_01/);
});

test("the stream helper collects parallel calls, delta by delta", async () => {
  const stream = client.messages.stream(requestOf("both", { tools }));
  const inputs = [];
  stream.on("inputJson", (delta, snapshot) => inputs.push([delta, snapshot]));
  const final = await stream.finalMessage();
  assert.equal(text(final), "I will look.");
  assert.deepEqual(calls(final), [
    ["get_weather", { city: "Paris" }],
    ["get_weather", { city: "Rome" }],
  ]);
  assert.equal(final.stop_reason, "tool_use");
  assert.ok(inputs.length > 2, "the inputs come in more than one event");
  assert.deepEqual(inputs.at(-1)[1], { city: "Rome" });
});

test("a call and its result by hand", async () => {
  const question = requestOf("weather?", { tools });
  const first = await client.messages.create(question);
  assert.equal(first.stop_reason, "tool_use");
  assert.deepEqual(calls(first), [["get_weather", { city: "Paris" }]]);
  const { id } = first.content.find((block) => block.type === "tool_use");
  assert.match(id, /^toolu_01.{22}$/);
  question.messages.push(
    { role: "assistant", content: first.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: '{"degrees": 21}' }] },
  );
  const last = await client.messages.create(question);
  assert.equal(text(last), "It is 21 degrees.");
  assert.equal(last.stop_reason, "end_turn");
});

test("arguments that are made from the tool's schema", async () => {
  const [[name, made]] = calls(await client.messages.create(requestOf("anywhere", { tools })));
  assert.equal(name, "get_weather");
  assert.deepEqual(Object.keys(made), ["city"]);
  assert.ok(made.city.length > 0);
});

test("the tool runner runs the whole loop, whole and streamed", async () => {
  for (const stream of [false, true]) {
    const looked = [];
    const looking = betaZodTool({
      name: "get_weather",
      description: "The weather of a city.",
      inputSchema: z.object({ city: z.string() }),
      run: ({ city }) => (looked.push(city), JSON.stringify({ degrees: 21 })),
    });
    const runner = client.beta.messages.toolRunner(requestOf("weather?", { tools: [looking], stream }));
    const final = await runner.runUntilDone();
    assert.equal(text(final), "It is 21 degrees.");
    assert.deepEqual(looked, ["Paris"]);
  }
});

test("thinking comes first, with its signature", async () => {
  const answer = await client.messages.create(requestOf("think", { thinking }));
  assert.deepEqual(
    answer.content.map((block) => block.type),
    ["thinking", "text"],
  );
  assert.deepEqual([answer.content[0].thinking, answer.content[0].signature], ["Let me see.", "c2lnbmVk"]);
  assert.equal(text(answer), "Forty-two.");
});

test("thinking in a stream, then its signature, then the text", async () => {
  const stream = client.messages.stream(requestOf("think", { thinking }));
  const seen = [];
  stream.on("thinking", () => seen.push("thinking"));
  stream.on("signature", (signature) => seen.push(signature));
  stream.on("text", () => seen.push("text"));
  const final = await stream.finalMessage();
  assert.deepEqual([...new Set(seen)], ["thinking", "c2lnbmVk", "text"]);
  assert.equal(final.content[0].thinking, "Let me see.");
  assert.equal(final.content[0].signature, "c2lnbmVk");
});

test("a turn that thought is gone on with", async () => {
  const question = requestOf("think", { thinking });
  const first = await client.messages.create(question);
  question.messages.push({ role: "assistant", content: first.content }, { role: "user", content: "hello" });
  assert.equal(text(await client.messages.create(question)), HELLO);
});

test("structured output is parsed by the caller's schema", async () => {
  const output_config = { format: zodOutputFormat(Weather) };
  const answer = await client.messages.parse(requestOf("weather", { output_config }));
  assert.deepEqual(answer.parsed_output, PARIS);
  const streamed = await client.messages.stream(requestOf("weather", { output_config })).finalMessage();
  assert.deepEqual(streamed.parsed_output, PARIS);
});

test("structured output that is made from the schema fits it", async () => {
  const answer = await client.messages.parse(
    requestOf("make it up", { output_config: { format: zodOutputFormat(Weather) } }),
  );
  Weather.parse(answer.parsed_output);
});

test("a refusal is a stop reason", async () => {
  const answer = await client.messages.create(requestOf("a bomb"));
  assert.equal(answer.stop_reason, "refusal");
  assert.equal((await client.messages.stream(requestOf("a bomb")).finalMessage()).stop_reason, "refusal");
});

test("limits cut and say so", async () => {
  const cut = await client.messages.create(requestOf("count", { max_tokens: 3 }));
  assert.deepEqual([cut.stop_reason, cut.usage.output_tokens], ["max_tokens", 3]);
  const stopped = await client.messages.create(requestOf("count", { stop_sequences: [" four"] }));
  assert.equal(text(stopped), "one two three");
  assert.deepEqual([stopped.stop_reason, stopped.stop_sequence], ["stop_sequence", " four"]);
});

test("an image is seen, and a document is taken", async () => {
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } };
  const file = { type: "document", source: { type: "text", media_type: "text/plain", data: "A text." } };
  assert.equal(
    text(await client.messages.create(requestOf([image, file, { type: "text", text: "look" }]))),
    "A cat.",
  );
});

test("tokens are counted as in the usage", async () => {
  const question = requestOf("count", { system: "Be brief.", tools });
  delete question.max_tokens;
  const counted = await client.messages.countTokens(question);
  const longer = await client.messages.countTokens({
    ...question,
    system: "Be as brief as you can, please.",
  });
  assert.ok(0 < counted.input_tokens && counted.input_tokens < longer.input_tokens);
  const answer = await client.messages.create({ ...question, max_tokens: 2000 });
  assert.equal(counted.input_tokens, answer.usage.input_tokens);
});

test("the beta forms have responses as well", async () => {
  const betas = ["interleaved-thinking-2025-05-14"];
  assert.equal(text(await client.beta.messages.create(requestOf("hello", { betas }))), HELLO);
  const { max_tokens, ...question } = requestOf("hello", { betas });
  assert.ok((await client.beta.messages.countTokens(question)).input_tokens > 0);
});

test("models are listed and got", async () => {
  const listed = await all(client.models.list({ limit: 3 }));
  const ids = listed.map((model) => model.id);
  assert.ok(ids.includes("cut-json"), "a model that a rule names");
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.length > 3, "the pages are followed");
  assert.ok(listed.every((model) => model.type === "model" && model.display_name && model.created_at));
  assert.equal((await client.models.retrieve("any-other")).id, "any-other");
});

test("server tools, whole and streamed, and a paused turn that goes on", async () => {
  const params = requestOf("search the web");
  const whole = await client.beta.messages.create(params);
  const types = ["server_tool_use", "web_search_tool_result", "mcp_tool_use", "mcp_tool_result"];
  assert.deepEqual(
    whole.content.map((block) => block.type),
    types,
  );
  assert.equal(whole.stop_reason, "pause_turn");
  const streamed = await client.beta.messages.stream(params).finalMessage();
  assert.deepEqual(
    streamed.content.map((block) => [block.type, block.input]),
    whole.content.map((block) => [block.type, block.input]),
  );
  const messages = [...params.messages, { role: "assistant", content: whole.content }];
  const next = await client.beta.messages.create({ ...params, messages });
  assert.equal(next.content[0].type, "server_tool_use");
});
