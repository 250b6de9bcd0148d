// The @google/genai package: content whole and streamed, function calls, thoughts, structured output, embeddings,
// counting; as Gemini's API, its first version, and as Vertex AI with a key or with a token.

import { FinishReason, FunctionCallingConfigMode, GoogleGenAI, Type } from "@google/genai";
import { z } from "zod";
import { CITY, CLIENT, HELLO, PARIS, PIXEL, URL, Weather, all, assert, test } from "./cases.mjs";

const token = { getRequestHeaders: async () => new Headers({ authorization: "Bearer token" }) };
const CLIENTS = {
  gemini: { apiKey: "key" },
  "gemini v1": { apiKey: "key", apiVersion: "v1" },
  "vertex with a key": { vertexai: true, apiKey: "key" },
  "vertex with a token": {
    vertexai: true,
    project: "project",
    location: "us-central1",
    googleAuthOptions: { authClient: token },
  },
};
const client = new GoogleGenAI({ ...CLIENTS[CLIENT], httpOptions: { baseUrl: URL } });
const ON_VERTEX = CLIENT.startsWith("vertex");
const MODEL = "gemini-mock";
const requestOf = (contents, config = {}) => ({ model: MODEL, contents, config });
const declaration = {
  name: "get_weather",
  description: "The weather of a city.",
  parametersJsonSchema: CITY,
};
const tools = [{ functionDeclarations: [declaration] }];
const parts = (chunks) => chunks.flatMap((chunk) => chunk.candidates[0].content?.parts ?? []);
const calls = (chunks) =>
  chunks.flatMap((chunk) => chunk.functionCalls ?? []).map(({ name, args }) => [name, args]);

test("a text, whole", async () => {
  const answer = await client.models.generateContent(requestOf("hello"));
  assert.equal(answer.text, HELLO);
  assert.equal(answer.modelVersion, MODEL);
  assert.ok(answer.responseId.length > 20);
  const [candidate] = answer.candidates;
  assert.deepEqual([candidate.content.role, candidate.finishReason], ["model", FinishReason.STOP]);
  const { promptTokenCount, candidatesTokenCount, totalTokenCount } = answer.usageMetadata;
  assert.deepEqual([promptTokenCount, candidatesTokenCount, totalTokenCount], [12, 9, 21]);
});

test("the headers of a response", async () => {
  const { headers } = (await client.models.generateContent(requestOf("hello"))).sdkHttpResponse;
  assert.equal(headers["x-mockllm-rule"], "conversation.yaml:hello");
  assert.match(headers["content-type"], /^application\/json/);
});

test("a text, chunk by chunk, with the usage at the end", async () => {
  const chunks = await all(await client.models.generateContentStream(requestOf("in chunks")));
  assert.deepEqual(chunks.map((chunk) => chunk.text).filter(Boolean), ["He", "llo", ", world"]);
  assert.equal(new Set(chunks.map((chunk) => chunk.responseId)).size, 1);
  const finishes = chunks.map((chunk) => chunk.candidates[0].finishReason).filter(Boolean);
  assert.deepEqual(finishes, [FinishReason.STOP]);
  assert.equal(chunks.at(-1).candidates[0].finishReason, FinishReason.STOP);
  assert.equal(chunks.at(-1).usageMetadata.totalTokenCount, 6);
});

test("a call and its result by hand", async () => {
  const contents = [{ role: "user", parts: [{ text: "weather?" }] }];
  const first = await client.models.generateContent(requestOf(contents, { tools }));
  assert.deepEqual(calls([first]), [["get_weather", { city: "Paris" }]]);
  const result = { functionResponse: { name: "get_weather", response: { degrees: 21 } } };
  contents.push(first.candidates[0].content, { role: "user", parts: [result] });
  const last = await client.models.generateContent(requestOf(contents, { tools }));
  assert.equal(last.text, "It is 21 degrees.");
});

test("a tool in Google's own words of schemas, whose call is forced", async () => {
  const parameters = { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ["city"] };
  const offered = [{ functionDeclarations: [{ name: "get_weather", parameters }] }];
  const toolConfig = { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } };
  const answer = await client.models.generateContent(requestOf("anywhere", { tools: offered, toolConfig }));
  const [[name, made]] = calls([answer]);
  assert.equal(name, "get_weather");
  assert.ok(made.city.length > 0);
});

test("parallel calls, whole and streamed", async () => {
  const both = [
    ["get_weather", { city: "Paris" }],
    ["get_weather", { city: "Rome" }],
  ];
  const whole = await client.models.generateContent(requestOf("both", { tools }));
  assert.deepEqual(calls([whole]), both);
  assert.equal(whole.candidates[0].content.parts[0].text, "I will look.");
  const chunks = await all(await client.models.generateContentStream(requestOf("both", { tools })));
  assert.deepEqual(calls(chunks), both);
  assert.equal(
    parts(chunks)
      .map((part) => part.text ?? "")
      .join(""),
    "I will look.",
  );
});

test("the package runs the whole loop by itself, whole and streamed", async () => {
  const looked = [];
  const callable = {
    tool: async () => tools[0],
    callTool: async (made) =>
      made.map(({ id, name, args }) => {
        looked.push(args.city);
        return { functionResponse: { id, name, response: { degrees: 21 } } };
      }),
  };
  const question = requestOf("weather?", { tools: [callable] });
  assert.equal((await client.models.generateContent(question)).text, "It is 21 degrees.");
  const chunks = await all(await client.models.generateContentStream(question));
  const reply = parts(chunks)
    .map((part) => part.text ?? "")
    .join("");
  assert.equal(reply, "It is 21 degrees.");
  assert.deepEqual(looked, ["Paris", "Paris"]);
});

test("thoughts come first and are counted apart", async () => {
  const question = requestOf("think", { thinkingConfig: { includeThoughts: true } });
  const whole = await client.models.generateContent(question);
  const chunks = await all(await client.models.generateContentStream(question));
  for (const answer of [[whole], chunks]) {
    const found = parts(answer);
    assert.equal(found[0].thought, true);
    const textsOf = (wanted) =>
      found.filter((part) => (part.thought ?? false) === wanted).map((part) => part.text ?? "");
    assert.equal(textsOf(true).join(""), "Let me see.");
    assert.equal(textsOf(false).join(""), "Forty-two.");
    assert.deepEqual(found.map((part) => part.thoughtSignature).filter(Boolean), ["c2lnbmVk"]);
    const usage = answer.at(-1).usageMetadata;
    assert.ok(usage.thoughtsTokenCount > 0);
    const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount, totalTokenCount } = usage;
    assert.equal(totalTokenCount, promptTokenCount + candidatesTokenCount + thoughtsTokenCount);
  }
});

test("structured output by a JSON Schema", async () => {
  const config = { responseMimeType: "application/json", responseJsonSchema: z.toJSONSchema(Weather) };
  assert.deepEqual(JSON.parse((await client.models.generateContent(requestOf("weather", config))).text), PARIS);
  const chunks = await all(await client.models.generateContentStream(requestOf("weather", config)));
  assert.deepEqual(JSON.parse(chunks.map((chunk) => chunk.text ?? "").join("")), PARIS);
});

test("structured output that is made from a schema in Google's own words", async () => {
  const responseSchema = {
    type: Type.OBJECT,
    properties: { city: { type: Type.STRING }, degrees: { type: Type.INTEGER } },
    required: ["city", "degrees"],
  };
  const question = requestOf("make it up", { responseMimeType: "application/json", responseSchema });
  Weather.parse(JSON.parse((await client.models.generateContent(question)).text));
});

test("json of any form", async () => {
  const answer = await client.models.generateContent(requestOf("x", { responseMimeType: "application/json" }));
  assert.deepEqual(JSON.parse(answer.text), { any: [1, 2] });
});

test("limits cut and say so", async () => {
  const cut = await client.models.generateContent(requestOf("count", { maxOutputTokens: 3 }));
  assert.equal(cut.text, "one two three");
  assert.equal(cut.candidates[0].finishReason, FinishReason.MAX_TOKENS);
  const stopped = await client.models.generateContent(requestOf("count", { stopSequences: [" four"] }));
  assert.equal(stopped.text, "one two three");
  assert.equal(stopped.candidates[0].finishReason, FinishReason.STOP);
});

test("several candidates", async () => {
  const answer = await client.models.generateContent(requestOf("several", { candidateCount: 2 }));
  assert.deepEqual(
    answer.candidates.map((candidate) => candidate.content.parts[0].text),
    ["first", "second"],
  );
});

test("a chat has its history, streamed as well", async () => {
  const chat = client.chats.create({
    model: MODEL,
    config: { systemInstruction: `Of ${CLIENT}, in JavaScript.` },
  });
  assert.equal((await chat.sendMessage({ message: "go on" })).text, "part one");
  const chunks = await all(await chat.sendMessageStream({ message: "go on" }));
  assert.equal(chunks.map((chunk) => chunk.text).join(""), "part two");
  assert.equal((await chat.sendMessage({ message: "go on" })).text, "part three");
  assert.deepEqual(
    chat
      .getHistory()
      .slice(0, 2)
      .map((content) => content.role),
    ["user", "model"],
  );
});

test("an image is seen", async () => {
  const contents = [{ text: "look" }, { inlineData: { mimeType: "image/png", data: PIXEL } }];
  assert.equal((await client.models.generateContent(requestOf(contents))).text, "A cat.");
});

test("tokens are counted", async () => {
  const short = await client.models.countTokens({ model: MODEL, contents: "hello" });
  const longer = await client.models.countTokens({
    model: MODEL,
    contents: "hello, and all the others as well",
  });
  assert.ok(0 < short.totalTokens && short.totalTokens < longer.totalTokens);
});

test("texts are embedded", async () => {
  const config = { outputDimensionality: 8 };
  const found = await client.models.embedContent({
    model: "gemini-embedding-001",
    contents: ["a", "b"],
    config,
  });
  assert.deepEqual(
    found.embeddings.map((each) => each.values.length),
    [8, 8],
  );
  const whole = await client.models.embedContent({ model: "gemini-embedding-001", contents: "a" });
  assert.deepEqual(
    whole.embeddings.map((each) => each.values.length),
    [3072],
  );
});

test("models are listed and got", async () => {
  const names = (await all(await client.models.list({ config: { pageSize: 3 } }))).map((model) => model.name);
  const short = names.map((name) => name.split("/").at(-1));
  assert.ok(
    short.includes("gemini-2.5-flash") && short.includes("cut-json"),
    "of the provider and of the rules",
  );
  assert.equal(new Set(short).size, short.length);
  const found = await client.models.get({ model: "any-other" });
  assert.equal(found.name, ON_VERTEX ? "publishers/google/models/any-other" : "models/any-other");
});

test("a live turn by text", async () => {
  const messages = [];
  let finished;
  const done = new Promise((resolve) => (finished = resolve));
  const session = await client.live.connect({
    model: MODEL,
    config: { responseModalities: ["TEXT"] },
    callbacks: {
      onmessage: (message) => {
        messages.push(message);
        if (message.serverContent?.turnComplete) finished();
      },
      onerror: finished,
      onclose: finished,
    },
  });
  session.sendClientContent({ turns: [{ role: "user", parts: [{ text: "hello" }] }] });
  await done;
  session.close();
  assert.equal(messages.map((message) => message.text ?? "").join(""), HELLO);
  assert.ok(messages.at(-1).usageMetadata.totalTokenCount > 9);
});

test("cached contents", async () => {
  if (process.env.MOCKLLM_CLIENT === "vertex with a key") return; // a cache belongs to a project, and a key names none
  const cache = await client.caches.create({
    model: MODEL,
    config: { contents: "A long book.", ttl: "60s" },
  });
  const answer = await client.models.generateContent(requestOf("hello", { cachedContent: cache.name }));
  assert.equal(answer.text, HELLO);
  assert.equal(
    answer.usageMetadata.cachedContentTokenCount,
    cache.usageMetadata.totalTokenCount,
  );
  await client.caches.delete({ name: cache.name });
  await assert.rejects(client.caches.get({ name: cache.name }));
});
