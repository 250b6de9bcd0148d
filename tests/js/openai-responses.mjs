// The openai package, responses: items, events, tools, reasoning, structured output, state.

import OpenAI from "openai";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { CITY, HELLO, PARIS, PIXEL, URL, Weather, all, assert, rejection, test } from "./cases.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: "sk-test", maxRetries: 0 });
const MODEL = "gpt-4o";
const requestOf = (input, more = {}) => ({ model: MODEL, input, ...more });
const tools = [{ type: "function", name: "get_weather", parameters: CITY, strict: true }];
const calls = (response) =>
  response.output
    .filter((item) => item.type === "function_call")
    .map((item) => [item.name, JSON.parse(item.arguments)]);

test("a text, whole", async () => {
  const answer = await client.responses.create(requestOf("hello"));
  assert.equal(answer.output_text, HELLO);
  assert.equal(answer.status, "completed");
  assert.match(answer.id, /^resp_.{50}$/);
  assert.deepEqual(
    answer.output.map((item) => [item.type, item.role, item.status]),
    [["message", "assistant", "completed"]],
  );
  const { input_tokens, output_tokens, total_tokens } = answer.usage;
  assert.deepEqual([input_tokens, output_tokens, total_tokens], [12, 9, 21]);
});

test("the request id of a response", async () => {
  const { data, request_id } = await client.responses.create(requestOf("hello")).withResponse();
  assert.match(request_id, /^req_/);
  assert.equal(data._request_id, request_id);
});

test("a text, event by event, with the usage at the end", async () => {
  const events = await all(await client.responses.create(requestOf("in chunks", { stream: true })));
  assert.deepEqual(
    events.map((event) => event.type),
    [
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ],
  );
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    [...events.keys()],
  );
  const deltas = events.filter((event) => event.type === "response.output_text.delta");
  assert.deepEqual(
    deltas.map((event) => event.delta),
    ["He", "llo", ", world"],
  );
  const { response } = events.at(-1);
  assert.equal(response.output[0].content[0].text, "Hello, world");
  assert.equal(response.usage.total_tokens, 6);
});

test("the stream helper collects the response", async () => {
  const stream = client.responses.stream(requestOf("hello"));
  const seen = [];
  stream.on("response.output_text.delta", (event) => seen.push([event.delta, event.snapshot]));
  const final = await stream.finalResponse();
  assert.equal(seen.map(([delta]) => delta).join(""), HELLO);
  assert.equal(seen.at(-1)[1], HELLO);
  assert.equal(final.output_text, HELLO);
});

test("the stream helper collects parallel calls", async () => {
  const final = await client.responses.stream(requestOf("both", { tools })).finalResponse();
  assert.equal(final.output_text, "I will look.");
  assert.deepEqual(calls(final), [
    ["get_weather", { city: "Paris" }],
    ["get_weather", { city: "Rome" }],
  ]);
});

test("a call, in chunks", async () => {
  const events = await all(await client.responses.create(requestOf("weather?", { tools, stream: true })));
  const deltas = events.filter((event) => event.type === "response.function_call_arguments.delta");
  assert.ok(deltas.length > 1, "the arguments come in more than one event");
  const done = events.find((event) => event.type === "response.function_call_arguments.done");
  assert.equal(deltas.map((event) => event.delta).join(""), done.arguments);
  assert.deepEqual(JSON.parse(done.arguments), { city: "Paris" });
});

test("a call and its result with the whole history", async () => {
  const input = [{ role: "user", content: "weather?" }];
  const first = await client.responses.create(requestOf(input, { tools }));
  assert.deepEqual(calls(first), [["get_weather", { city: "Paris" }]]);
  const { call_id } = first.output[0];
  input.push(...first.output, { type: "function_call_output", call_id, output: '{"degrees": 21}' });
  const last = await client.responses.create(requestOf(input, { tools }));
  assert.equal(last.output_text, "It is 21 degrees.");
});

test("a call and its result by the id of the response before", async () => {
  const first = await client.responses.create(requestOf("weather?", { tools }));
  const output = {
    type: "function_call_output",
    call_id: first.output[0].call_id,
    output: '{"degrees": 21}',
  };
  const last = await client.responses.create(requestOf([output], { tools, previous_response_id: first.id }));
  assert.equal(last.output_text, "It is 21 degrees.");
  assert.equal(last.previous_response_id, first.id);
  const items = await all(client.responses.inputItems.list(last.id, { order: "asc" }));
  assert.deepEqual(
    items.map((item) => item.type),
    ["message", "function_call", "function_call_output"],
  );
});

test("structured output is parsed by the caller's schema", async () => {
  const format = { text: { format: zodTextFormat(Weather, "weather") } };
  assert.deepEqual((await client.responses.parse(requestOf("weather", format))).output_parsed, PARIS);
  const streamed = await client.responses.stream(requestOf("weather", format)).finalResponse();
  assert.deepEqual(streamed.output_parsed, PARIS);
});

test("arguments are parsed by the caller's schema", async () => {
  const looking = zodResponsesFunction({ name: "get_weather", parameters: z.object({ city: z.string() }) });
  const answer = await client.responses.parse(requestOf("weather?", { tools: [looking] }));
  assert.deepEqual(answer.output[0].parsed_arguments, { city: "Paris" });
});

test("structured output that is made from the schema fits it", async () => {
  const format = { text: { format: zodTextFormat(Weather, "weather") } };
  Weather.parse((await client.responses.parse(requestOf("make it up", format))).output_parsed);
});

test("thinking is a summary with its encrypted content", async () => {
  const question = requestOf("think", { model: "gpt-5", reasoning: { effort: "low", summary: "auto" } });
  const answer = await client.responses.create({ ...question, include: ["reasoning.encrypted_content"] });
  const [reasoning, message] = answer.output;
  assert.equal(reasoning.type, "reasoning");
  assert.deepEqual(reasoning.summary, [{ type: "summary_text", text: "Let me see." }]);
  assert.equal(reasoning.encrypted_content, "c2lnbmVk");
  assert.equal(message.content[0].text, "Forty-two.");
  assert.ok(answer.usage.output_tokens_details.reasoning_tokens > 0);
  const events = await all(await client.responses.create({ ...question, stream: true }));
  const deltas = events.filter((event) => event.type === "response.reasoning_summary_text.delta");
  assert.equal(deltas.map((event) => event.delta).join(""), "Let me see.");
});

test("a refusal is a separate part", async () => {
  const answer = await client.responses.create(requestOf("a bomb"));
  assert.deepEqual(answer.output[0].content, [{ type: "refusal", refusal: "I cannot help with that." }]);
});

test("a response that was cut is incomplete and says why", async () => {
  const answer = await client.responses.create(requestOf("count", { max_output_tokens: 16 }));
  assert.equal(answer.status, "completed");
  const cut = await client.responses.create(requestOf("x", { model: "cut-json" }));
  assert.equal(cut.status, "incomplete");
  assert.deepEqual(cut.incomplete_details, { reason: "max_output_tokens" });
  const events = await all(await client.responses.create(requestOf("x", { model: "cut-json", stream: true })));
  assert.equal(events.at(-1).type, "response.incomplete");
});

test("an image is seen", async () => {
  const content = [
    { type: "input_text", text: "look" },
    { type: "input_image", detail: "auto", image_url: `data:image/png;base64,${PIXEL}` },
  ];
  assert.equal((await client.responses.create(requestOf([{ role: "user", content }]))).output_text, "A cat.");
});

test("a stored response is got, streamed again and deleted", async () => {
  const created = await client.responses.create(requestOf("hello"));
  assert.equal((await client.responses.retrieve(created.id)).output_text, HELLO);
  const events = await all(await client.responses.retrieve(created.id, { stream: true }));
  assert.equal(events.at(-1).type, "response.completed");
  await client.responses.delete(created.id);
  const error = await rejection(client.responses.retrieve(created.id));
  assert.ok(error instanceof OpenAI.NotFoundError, String(error));
});

test("the input's tokens are counted as in the usage", async () => {
  const question = requestOf("count", { instructions: "Be brief." });
  const counted = await client.responses.inputTokens.count(question);
  const answer = await client.responses.create(question);
  assert.equal(counted.input_tokens, answer.usage.input_tokens);
});

test("a conversation is compacted and gone on with", async () => {
  const first = await client.responses.create(requestOf("hello"));
  const made = await client.responses.compact({ model: MODEL, previous_response_id: first.id });
  assert.deepEqual(
    made.output.map((item) => item.type),
    ["message", "compaction"],
  );
  const input = [...made.output, { role: "user", content: "count" }];
  assert.equal((await client.responses.create(requestOf(input))).output_text, "one two three four five six");
});
