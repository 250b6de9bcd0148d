// Vercel's `ai` with its providers: generateText and streamText, agent loops, reasoning, structured output. The same
// cases for each provider: what a scenario says is promised for all of them.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { Output, ToolLoopAgent, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { CLIENT, HELLO, PARIS, PIXEL, URL, Weather, all, assert, test } from "./cases.mjs";

const openai = createOpenAI({ baseURL: `${URL}/v1`, apiKey: "sk-test" });
const anthropic = createAnthropic({ baseURL: `${URL}/v1`, apiKey: "sk-test" });
const google = createGoogleGenerativeAI({ baseURL: `${URL}/v1beta`, apiKey: "key" });

// How each names its models, and how a request lets it think aloud.
const CLIENTS = {
  "openai responses": {
    model: (name) => openai(name ?? "gpt-4o"),
    thinker: openai("gpt-5"),
    aloud: { openai: { reasoningSummary: "auto" } },
  },
  "openai chat": { model: (name) => openai.chat(name ?? "gpt-4o"), thinker: openai.chat("gpt-5"), aloud: {} },
  anthropic: {
    model: (name) => anthropic(name ?? "claude-mock"),
    thinker: anthropic("claude-mock"),
    aloud: { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } },
  },
  google: {
    model: (name) => google(name ?? "gemini-mock"),
    thinker: google("gemini-mock"),
    aloud: { google: { thinkingConfig: { includeThoughts: true } } },
  },
};
globalThis.AI_SDK_LOG_WARNINGS = false; // it warns of models that it does not know
const { model, thinker, aloud } = CLIENTS[CLIENT];
const HIDDEN = CLIENT === "openai chat"; // this protocol counts its thinking, and does not show it
const ask = (prompt, more = {}) => ({
  model: model(),
  prompt,
  maxRetries: 0,
  maxOutputTokens: 2000,
  ...more,
});

/** The tool, and the cities of its calls. */
function weather() {
  const looked = [];
  const get_weather = tool({
    description: "The weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => (looked.push(city), { degrees: 21 }),
  });
  return { looked, tools: { get_weather } };
}

/** A stream's parts, and each error that it met. */
async function streamed(question) {
  const result = streamText({ ...question, onError: () => {} });
  return { result, parts: await all(result.fullStream) };
}

test("a text, whole", async () => {
  const { text, finishReason, usage, response } = await generateText(ask("hello"));
  assert.equal(text, HELLO);
  assert.equal(finishReason, "stop");
  assert.deepEqual([usage.inputTokens, usage.outputTokens, usage.totalTokens], [12, 9, 21]);
  assert.equal(response.headers["x-mockllm-rule"], "conversation.yaml:hello");
});

test("a text, chunk by chunk, with the usage at the end", async () => {
  const result = streamText(ask("in chunks"));
  assert.deepEqual((await all(result.textStream)).filter(Boolean), ["He", "llo", ", world"]);
  assert.equal(await result.finishReason, "stop");
  assert.equal((await result.usage).totalTokens, 6);
});

test("the parts of a stream in their order", async () => {
  const { parts } = await streamed(ask("hello"));
  const own = parts.map((part) => part.type).filter((kind) => kind !== "custom"); // what only one provider has
  const kinds = own.filter((kind, index) => kind !== own[index - 1]);
  assert.deepEqual(kinds, [
    "start",
    "start-step",
    "text-start",
    "text-delta",
    "text-end",
    "finish-step",
    "finish",
  ]);
});

test("a call without its execution", async () => {
  const { tools } = weather();
  delete tools.get_weather.execute;
  const { toolCalls, finishReason } = await generateText(ask("weather?", { tools }));
  assert.deepEqual(
    toolCalls.map(({ toolName, input }) => [toolName, input]),
    [["get_weather", { city: "Paris" }]],
  );
  assert.equal(finishReason, "tool-calls");
});

test("a call that is chosen by name, its arguments made from the schema", async () => {
  const { tools } = weather();
  delete tools.get_weather.execute;
  const toolChoice = { type: "tool", toolName: "get_weather" };
  const { toolCalls } = await generateText(ask("anywhere", { tools, toolChoice }));
  assert.equal(toolCalls.length, 1);
  assert.ok(toolCalls[0].input.city.length > 0);
});

test("an agent loop: generateText until the result of the tool", async () => {
  const { looked, tools } = weather();
  const { text, steps, totalUsage } = await generateText(
    ask("weather?", { tools, stopWhen: stepCountIs(5) }),
  );
  assert.equal(text, "It is 21 degrees.");
  assert.deepEqual(looked, ["Paris"]);
  assert.deepEqual(
    steps.map((step) => step.finishReason),
    ["tool-calls", "stop"],
  );
  assert.deepEqual(
    steps[0].toolResults.map((result) => result.output),
    [{ degrees: 21 }],
  );
  assert.equal(totalUsage.outputTokens, steps[0].usage.outputTokens + steps[1].usage.outputTokens);
});

test("an agent loop that is stopped after its first step", async () => {
  const { looked, tools } = weather();
  const { steps, finishReason } = await generateText(ask("weather?", { tools, stopWhen: stepCountIs(1) }));
  assert.equal(steps.length, 1);
  assert.equal(finishReason, "tool-calls");
  assert.deepEqual(looked, ["Paris"]);
});

test("an agent loop in streams, its arguments in chunks", async () => {
  const { looked, tools } = weather();
  const { result, parts } = await streamed(ask("weather?", { tools, stopWhen: stepCountIs(5) }));
  assert.equal(await result.text, "It is 21 degrees.");
  assert.deepEqual(looked, ["Paris"]);
  assert.equal((await result.steps).length, 2);
  const input = parts.filter((part) => part.type === "tool-input-delta").map((part) => part.delta);
  assert.deepEqual(JSON.parse(input.join("")), { city: "Paris" });
  assert.ok(
    CLIENT === "google" || input.length > 1,
    "Gemini sends a call in one chunk, all others in several",
  );
});

test("parallel calls in an agent loop, whole and streamed", async () => {
  for (const run of [generateText, async (question) => (await streamed(question)).result]) {
    const { looked, tools } = weather();
    const result = await run(ask("both", { tools, stopWhen: stepCountIs(5) }));
    assert.equal(await result.text, "It is 21 degrees.");
    assert.deepEqual(looked, ["Paris", "Rome"]);
    const [first] = await result.steps;
    assert.equal(first.text, "I will look.");
    assert.equal(new Set(first.toolCalls.map((call) => call.toolCallId)).size, 2);
  }
});

test("an agent loop that thinks: what it thought goes back with the call", async () => {
  for (const run of [generateText, async (question) => (await streamed(question)).result]) {
    const { looked, tools } = weather();
    const more = { tools, stopWhen: stepCountIs(5), model: thinker, providerOptions: aloud };
    const result = await run(ask("carefully", more));
    assert.equal(await result.text, "It is 21 degrees.");
    assert.deepEqual(looked, ["Paris"]);
    const [first] = await result.steps;
    assert.equal(first.reasoningText ?? null, HIDDEN ? null : "Paris, surely.");
  }
});

test("an agent of the package", async () => {
  const { looked, tools } = weather();
  const agent = new ToolLoopAgent({ model: model(), tools, instructions: "Be brief.", maxRetries: 0 });
  assert.equal((await agent.generate({ prompt: "weather?" })).text, "It is 21 degrees.");
  const stream = await agent.stream({ prompt: "weather?" });
  assert.equal((await all(stream.textStream)).join(""), "It is 21 degrees.");
  assert.deepEqual(looked, ["Paris", "Paris"]);
});

test("structured output is the caller's object", async () => {
  const output = Output.object({ schema: Weather });
  assert.deepEqual((await generateText(ask("weather", { output }))).output, PARIS);
  const result = streamText(ask("weather", { output }));
  const partial = await all(result.partialOutputStream);
  assert.deepEqual(partial.at(-1), PARIS);
  assert.deepEqual(await result.output, PARIS);
});

test("structured output that is made from the schema fits it", async () => {
  const { output } = await generateText(ask("make it up", { output: Output.object({ schema: Weather }) }));
  Weather.parse(output);
});

test("a list and a choice that are made from their schemas", async () => {
  const list = await generateText(ask("make it up", { output: Output.array({ element: Weather }) }));
  assert.ok(list.output.length > 0);
  list.output.forEach((each) => Weather.parse(each));
  const options = ["sun", "rain", "snow"];
  const { output } = await generateText(ask("make it up", { output: Output.choice({ options }) }));
  assert.ok(options.includes(output), output);
});

test("structured output of a model that the package knows", async () => {
  const known = { anthropic: "claude-sonnet-4-5", google: "gemini-2.5-flash" }[CLIENT] ?? "gpt-5-mini";
  const { output } = await generateText(
    ask("weather", { model: model(known), output: Output.object({ schema: Weather }) }),
  );
  assert.deepEqual(output, PARIS);
});

test("thinking is shown where the protocol shows it, and counted", async () => {
  const question = ask("think", { model: thinker, providerOptions: aloud });
  const whole = await generateText(question);
  const { result } = await streamed(question);
  for (const each of [whole, result]) {
    assert.equal(await each.text, "Forty-two.");
    assert.equal((await each.reasoningText) ?? null, HIDDEN ? null : "Let me see.");
  }
  const { reasoningTokens } = whole.usage.outputTokenDetails;
  if (CLIENT !== "anthropic") assert.ok(reasoningTokens > 0, "Anthropic does not count it apart");
});

test("limits cut and say so", async () => {
  const { finishReason } = await generateText(ask("x", { model: model("cut-json") }));
  assert.equal(finishReason, "length");
});

test("messages with a system text, an image and a history", async () => {
  const messages = [
    { role: "user", content: "hello" },
    { role: "assistant", content: HELLO },
    {
      role: "user",
      content: [
        { type: "text", text: "look" },
        { type: "image", image: PIXEL, mediaType: "image/png" },
      ],
    },
  ];
  const { text } = await generateText({ model: model(), system: "Be brief.", messages, maxRetries: 0 });
  assert.equal(text, "A cat.");
});
