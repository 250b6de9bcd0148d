// The openai package, chat completions: whole, streamed, tools, structured output, its helpers.

import OpenAI from "openai";
import { LengthFinishReasonError } from "openai/core/error";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { CITY, HELLO, PARIS, PIXEL, URL, Weather, all, assert, rejection, test } from "./cases.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: "sk-test", maxRetries: 0 });
const MODEL = "gpt-4o";
const user = (content) => [{ role: "user", content }];
const requestOf = (content, more = {}) => ({ model: MODEL, messages: user(content), ...more });
const tools = [{ type: "function", function: { name: "get_weather", parameters: CITY } }];
const calls = (message) =>
  message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);

test("a text, whole", async () => {
  const answer = await client.chat.completions.create(requestOf("hello"));
  assert.equal(answer.object, "chat.completion");
  assert.equal(answer.model, "gpt-4o-2024-08-06", "the response to an alias names its dated model");
  assert.match(answer.id, /^chatcmpl-.{29}$/);
  assert.equal(typeof answer.created, "number");
  const [choice, ...others] = answer.choices;
  assert.deepEqual(others, []);
  assert.equal(choice.message.content, HELLO);
  assert.equal(choice.message.refusal, null);
  assert.equal(choice.message.role, "assistant");
  assert.equal(choice.finish_reason, "stop");
  const { prompt_tokens, completion_tokens, total_tokens } = answer.usage;
  assert.deepEqual([prompt_tokens, completion_tokens, total_tokens], [12, 9, 21]);
});

test("the request id of a response and its headers", async () => {
  const { data, response, request_id } = await client.chat.completions.create(requestOf("hello")).withResponse();
  assert.match(request_id, /^req_/);
  assert.equal(data._request_id, request_id);
  assert.equal(response.headers.get("x-mockllm-rule"), "conversation.yaml:hello");
  assert.ok(response.headers.has("openai-processing-ms"));
});

test("a text, chunk by chunk, with the usage at the end", async () => {
  const stream = await client.chat.completions.create(
    requestOf("in chunks", { stream: true, stream_options: { include_usage: true } }),
  );
  const chunks = await all(stream);
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  const texts = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta.content)).filter(Boolean);
  assert.deepEqual(texts, ["He", "llo", ", world"]);
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  const finishes = chunks
    .flatMap((chunk) => chunk.choices.map((choice) => choice.finish_reason))
    .filter(Boolean);
  assert.deepEqual(finishes, ["stop"]);
  const last = chunks.at(-1);
  assert.deepEqual(last.choices, []);
  assert.equal(last.usage.total_tokens, 6);
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
});

test("no usage in a stream that did not ask for it", async () => {
  const chunks = await all(await client.chat.completions.create(requestOf("hello", { stream: true })));
  assert.ok(chunks.every((chunk) => chunk.usage == null && chunk.choices.length === 1));
});

test("a stream that is left in the middle", async () => {
  const stream = await client.chat.completions.create(requestOf("count", { stream: true }));
  for await (const _ of stream) break;
  assert.ok(stream.controller.signal.aborted);
});

test("the stream helper: its events and the completion that it collects", async () => {
  const stream = client.chat.completions.stream(requestOf("hello", { stream_options: { include_usage: true } }));
  const seen = [];
  stream.on("content", (delta) => seen.push(delta));
  const final = await stream.finalChatCompletion();
  assert.equal(seen.join(""), HELLO);
  assert.equal(final.choices[0].message.content, HELLO);
  assert.equal((await stream.totalUsage()).total_tokens, 21);
});

test("the stream helper collects the chunks of parallel calls", async () => {
  const stream = client.chat.completions.stream(requestOf("both", { tools }));
  const done = [];
  stream.on("tool_calls.function.arguments.done", (event) =>
    done.push([event.index, event.name, event.arguments]),
  );
  const { message, finish_reason } = (await stream.finalChatCompletion()).choices[0];
  assert.equal(message.content, "I will look.");
  assert.deepEqual(calls(message), [
    ["get_weather", { city: "Paris" }],
    ["get_weather", { city: "Rome" }],
  ]);
  assert.equal(finish_reason, "tool_calls");
  assert.deepEqual(
    done.map(([index, name]) => [index, name]),
    [
      [0, "get_weather"],
      [1, "get_weather"],
    ],
  );
});

test("a call and its result by hand", async () => {
  const messages = user("weather?");
  const first = await client.chat.completions.create({ model: MODEL, messages, tools });
  const { message, finish_reason } = first.choices[0];
  assert.equal(finish_reason, "tool_calls");
  assert.equal(message.content, null);
  assert.deepEqual(calls(message), [["get_weather", { city: "Paris" }]]);
  assert.match(message.tool_calls[0].id, /^call_.{24}$/);
  messages.push(message, {
    role: "tool",
    tool_call_id: message.tool_calls[0].id,
    content: '{"degrees": 21}',
  });
  const last = await client.chat.completions.create({ model: MODEL, messages, tools });
  assert.equal(last.choices[0].message.content, "It is 21 degrees.");
  assert.equal(last.choices[0].finish_reason, "stop");
});

test("a call, in chunks", async () => {
  const chunks = await all(await client.chat.completions.create(requestOf("weather?", { tools, stream: true })));
  const deltas = chunks.flatMap((chunk) => chunk.choices.flatMap((choice) => choice.delta.tool_calls ?? []));
  assert.equal(deltas[0].function.name, "get_weather");
  assert.match(deltas[0].id, /^call_/);
  assert.ok(deltas.length > 2, "the arguments come in more than one event");
  assert.ok(deltas.every((delta) => delta.index === 0));
  assert.deepEqual(JSON.parse(deltas.map((delta) => delta.function.arguments).join("")), { city: "Paris" });
});

test("arguments that are made from the tool's schema", async () => {
  const answer = await client.chat.completions.create(requestOf("anywhere", { tools }));
  const [[name, made]] = calls(answer.choices[0].message);
  assert.equal(name, "get_weather");
  assert.deepEqual(Object.keys(made), ["city"]);
  assert.ok(made.city.length > 0);
});

test("runTools runs the whole loop, whole and streamed", async () => {
  for (const stream of [false, true]) {
    const looked = [];
    const looking = {
      name: "get_weather",
      description: "The weather of a city.",
      parameters: CITY,
      parse: JSON.parse,
      function: ({ city }) => (looked.push(city), { degrees: 21 }),
    };
    const question = requestOf("weather?", { tools: [{ type: "function", function: looking }], stream });
    assert.equal(await client.chat.completions.runTools(question).finalContent(), "It is 21 degrees.");
    assert.deepEqual(looked, ["Paris"]);
  }
});

test("structured output is parsed by the caller's schema", async () => {
  const answer = await client.chat.completions.parse(
    requestOf("weather", { response_format: zodResponseFormat(Weather, "weather") }),
  );
  assert.deepEqual(answer.choices[0].message.parsed, PARIS);
});

test("arguments are parsed by the caller's schema", async () => {
  const looking = zodFunction({ name: "get_weather", parameters: z.object({ city: z.string() }) });
  const answer = await client.chat.completions.parse(requestOf("weather?", { tools: [looking] }));
  assert.deepEqual(answer.choices[0].message.tool_calls[0].function.parsed_arguments, { city: "Paris" });
});

test("what the caller says of tools is obeyed: none, any, one by name", async () => {
  const never = await client.chat.completions.create(requestOf("whatever", { tools, tool_choice: "none" }));
  assert.equal(never.choices[0].message.tool_calls, undefined);
  const other = { type: "function", function: { name: "get_time", parameters: CITY } };
  for (const tool_choice of ["required", { type: "function", function: { name: "get_weather" } }]) {
    const question = requestOf("anywhere", { tools: [...tools, other], tool_choice, parallel_tool_calls: false });
    const { message } = (await client.chat.completions.create(question)).choices[0];
    assert.equal(message.tool_calls.length, 1);
    if (tool_choice !== "required") assert.equal(message.tool_calls[0].function.name, "get_weather");
  }
});

test("structured output in a stream is parsed by the caller's schema", async () => {
  const stream = client.chat.completions.stream(
    requestOf("weather", { response_format: zodResponseFormat(Weather, "weather") }),
  );
  assert.deepEqual((await stream.finalChatCompletion()).choices[0].message.parsed, PARIS);
});

test("structured output that is made from the schema fits it", async () => {
  const answer = await client.chat.completions.parse(
    requestOf("make it up", { response_format: zodResponseFormat(Weather, "weather") }),
  );
  Weather.parse(answer.choices[0].message.parsed);
});

test("structured output that was cut is a LengthFinishReasonError", async () => {
  const parsing = client.chat.completions.parse(
    requestOf("x", { model: "cut-json", response_format: zodResponseFormat(Weather, "weather") }),
  );
  const error = await rejection(parsing);
  assert.ok(error instanceof LengthFinishReasonError, String(error));
});

test("json mode", async () => {
  const answer = await client.chat.completions.create(
    requestOf("json", { response_format: { type: "json_object" } }),
  );
  assert.deepEqual(JSON.parse(answer.choices[0].message.content), { any: [1, 2] });
});

test("a refusal has its own field", async () => {
  const answer = await client.chat.completions.create(requestOf("a bomb"));
  assert.equal(answer.choices[0].message.refusal, "I cannot help with that.");
  assert.equal(answer.choices[0].message.content, null);
  const final = await client.chat.completions.stream(requestOf("a bomb")).finalChatCompletion();
  assert.equal(final.choices[0].message.refusal, "I cannot help with that.");
});

test("thinking is counted, not shown", async () => {
  const answer = await client.chat.completions.create(requestOf("think", { model: "gpt-5" }));
  assert.equal(answer.choices[0].message.content, "Forty-two.");
  const { completion_tokens, completion_tokens_details } = answer.usage;
  assert.ok(completion_tokens_details.reasoning_tokens > 0);
  assert.ok(completion_tokens > completion_tokens_details.reasoning_tokens);
});

test("several choices, whole and interleaved in a stream", async () => {
  const whole = await client.chat.completions.create(requestOf("several", { n: 2 }));
  assert.deepEqual(
    whole.choices.map((choice) => choice.message.content),
    ["first", "second"],
  );
  const texts = ["", "", ""];
  for await (const chunk of await client.chat.completions.create(requestOf("hello", { n: 3, stream: true })))
    for (const choice of chunk.choices) texts[choice.index] += choice.delta.content ?? "";
  assert.deepEqual(texts, [HELLO, HELLO, HELLO]);
});

test("limits cut and say so", async () => {
  const cut = await client.chat.completions.create(requestOf("count", { max_completion_tokens: 3 }));
  assert.equal(cut.choices[0].finish_reason, "length");
  assert.equal(cut.usage.completion_tokens, 3);
  const stopped = await client.chat.completions.create(requestOf("count", { stop: [" four"] }));
  assert.equal(stopped.choices[0].message.content, "one two three");
  assert.equal(stopped.choices[0].finish_reason, "stop");
});

test("an image is seen", async () => {
  const content = [
    { type: "text", text: "look" },
    { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } },
  ];
  const answer = await client.chat.completions.create(requestOf(content));
  assert.equal(answer.choices[0].message.content, "A cat.");
});

test("stored completions are listed, got, updated and deleted", async () => {
  const session = client.withOptions({ defaultHeaders: { "x-mockllm-session": "js-stored" } });
  const made = await session.chat.completions.create(requestOf("hello", { store: true, metadata: { a: "b" } }));
  assert.equal((await session.chat.completions.retrieve(made.id)).choices[0].message.content, HELLO);
  assert.deepEqual(
    (await all(session.chat.completions.list())).map((each) => each.id),
    [made.id],
  );
  const messages = await all(session.chat.completions.messages.list(made.id));
  assert.deepEqual(
    messages.map((message) => message.content),
    ["hello"],
  );
  const updated = await session.chat.completions.update(made.id, { metadata: { a: "c" } });
  assert.deepEqual(updated.metadata, { a: "c" });
  assert.equal((await session.chat.completions.delete(made.id)).deleted, true);
  assert.equal((await rejection(session.chat.completions.retrieve(made.id))).status, 404);
});
