// The openai package: completions, embeddings, models, moderations, and Azure's client.

import OpenAI, { AzureOpenAI } from "openai";
import { CITY, HELLO, URL, all, assert, rejection, test } from "./cases.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: "sk-test", maxRetries: 0 });
const COMPLETING = "gpt-3.5-turbo-instruct";

test("a completion, whole", async () => {
  const answer = await client.completions.create({ model: COMPLETING, prompt: "hello" });
  assert.equal(answer.object, "text_completion");
  assert.equal(answer.choices[0].text, HELLO);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.equal(answer.usage.total_tokens, 21);
  assert.match(answer.id, /^cmpl-/);
});

test("a completion, chunk by chunk, with the usage at the end", async () => {
  const question = {
    model: COMPLETING,
    prompt: "in chunks",
    stream: true,
    stream_options: { include_usage: true },
  };
  const chunks = await all(await client.completions.create(question));
  const texts = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.text)).filter(Boolean);
  assert.deepEqual(texts, ["He", "llo", ", world"]);
  assert.equal(chunks.at(-1).usage.total_tokens, 6);
});

test("several prompts, several completions of each, and the echo", async () => {
  const question = { model: COMPLETING, prompt: ["one prompt", "another prompt"], n: 2, echo: true };
  const answer = await client.completions.create(question);
  assert.deepEqual(
    answer.choices.map((choice) => [choice.index, choice.text]),
    [
      [0, "one prompt: done"],
      [1, "one prompt: done"],
      [2, "another prompt: done"],
      [3, "another prompt: done"],
    ],
  );
});

test("an embedding that the package requests in base64 and decodes", async () => {
  const answer = await client.embeddings.create({ model: "text-embedding-3-small", input: "hello" });
  const [{ embedding }] = answer.data;
  assert.ok(Array.isArray(embedding));
  assert.equal(embedding.length, 1536);
  assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-3, "a unit vector");
  assert.ok(answer.usage.prompt_tokens > 0);
});

test("base64 and float are the same embedding", async () => {
  const question = { model: "text-embedding-3-small", input: "hello", dimensions: 8 };
  const decoded = (await client.embeddings.create(question)).data[0].embedding;
  const plain = (await client.embeddings.create({ ...question, encoding_format: "float" })).data[0].embedding;
  const raw = (await client.embeddings.create({ ...question, encoding_format: "base64" })).data[0].embedding;
  assert.equal(plain.length, 8);
  plain.forEach((value, index) => assert.ok(Math.abs(value - decoded[index]) < 1e-6, `at ${index}`));
  assert.equal(typeof raw, "string");
  assert.equal(Buffer.from(raw, "base64").length, 8 * 4);
});

test("a list of texts, similar ones nearer", async () => {
  const input = ["the cat sat on the mat", "a cat sat on a mat", "interest rates rose in March"];
  const { data } = await client.embeddings.create({ model: "text-embedding-3-large", input });
  assert.deepEqual(
    data.map((each) => [each.index, each.embedding.length]),
    [
      [0, 3072],
      [1, 3072],
      [2, 3072],
    ],
  );
  const nearness = (one, other) => one.reduce((sum, value, index) => sum + value * other[index], 0);
  const [cat, another, rates] = data.map((each) => each.embedding);
  assert.ok(nearness(cat, another) > nearness(cat, rates));
});

test("models are listed, got and deleted", async () => {
  const listed = await all(client.models.list());
  const ids = listed.map((model) => model.id);
  assert.ok(ids.includes("gpt-4o") && ids.includes("cut-json"), "of the provider and of the rules");
  assert.ok(listed.every((model) => model.object === "model" && model.owned_by && model.created));
  assert.equal((await client.models.retrieve("gpt-4o")).id, "gpt-4o");
  assert.equal((await client.models.retrieve("any-other")).id, "any-other");
  assert.deepEqual(
    { ...(await client.models.delete("any-other")) },
    { id: "any-other", object: "model", deleted: true },
  );
});

test("a moderation has a result for each input", async () => {
  const answer = await client.moderations.create({
    model: "omni-moderation-latest",
    input: ["hello", "a good day"],
  });
  assert.match(answer.id, /^modr-/);
  assert.deepEqual(
    answer.results.map((result) => result.flagged),
    [false, false],
  );
  const [{ categories, category_scores }] = answer.results;
  assert.deepEqual(Object.keys(categories).sort(), Object.keys(category_scores).sort());
  assert.ok("violence/graphic" in categories);
});

const azure = () =>
  new AzureOpenAI({ endpoint: URL, apiKey: "key", apiVersion: "2024-10-21", maxRetries: 0 });

test("Azure: a deployment responds, and its filters say what they found", async () => {
  const answer = await azure().chat.completions.create({
    model: "gpt-4o",
    messages: [{ role: "user", content: "hello" }],
  });
  assert.equal(answer.choices[0].message.content, HELLO);
  assert.equal(answer.prompt_filter_results[0].content_filter_results.hate.severity, "safe");
  assert.equal(answer.choices[0].content_filter_results.hate.filtered, false);
});

test("Azure: a stream, and the calls in it", async () => {
  const parameters = CITY;
  const stream = azure().chat.completions.stream({
    model: "gpt-4o",
    messages: [{ role: "user", content: "both" }],
    tools: [{ type: "function", function: { name: "get_weather", parameters } }],
  });
  const { message } = (await stream.finalChatCompletion()).choices[0];
  assert.equal(message.content, "I will look.");
  assert.deepEqual(
    message.tool_calls.map((call) => JSON.parse(call.function.arguments).city),
    ["Paris", "Rome"],
  );
});

test("Azure: embeddings of a deployment, and a filtered prompt", async () => {
  const { data } = await azure().embeddings.create({ model: "text-embedding-3-small", input: "hello" });
  assert.equal(data[0].embedding.length, 1536);
  const question = { model: "content_filter", messages: [{ role: "user", content: "hi" }] };
  const error = await rejection(azure().chat.completions.create(question));
  assert.ok(error instanceof OpenAI.BadRequestError, String(error));
  assert.equal(error.code, "content_filter");
  assert.equal(error.error.innererror.code, "ResponsibleAIPolicyViolation");
});
