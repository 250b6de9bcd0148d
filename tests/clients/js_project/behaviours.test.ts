// The table of behaviours of docs/javascript.md, with the official SDKs.
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { generateText } from "ai";
import { mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { MockLLM, type MockSession, MockllmError } from "mockllm";
import { expect, test } from "mockllm/vitest";
import OpenAI from "openai";

const openai = (mock: MockSession, maxRetries = 0) =>
  new OpenAI({ baseURL: mock.openaiUrl, apiKey: "any", maxRetries });
const ask = async (mock: MockSession, content: string, maxRetries = 0) => {
  const messages = [{ role: "user" as const, content }];
  const response = await openai(mock, maxRetries).chat.completions.create({ model: "gpt-4o", messages });
  return response.choices[0]!.message.content;
};
const refusal = async (action: Promise<unknown>) => (await action.catch((each: unknown) => each)) as Error;
/** The uppermost line of a stack, which runners show. */
const place = (error: Error) => error.stack!.split("\n").find((line) => line.startsWith("    at "));

// The first start takes longer than a test may on a busy machine.
test.beforeAll(async ({ mockllmServer }) => void mockllmServer, 60_000);

test("reply responds to what it matches", async ({ mockllm }) => {
  const greeting = await mockllm.reply("Hi.", { match: { user: "hello" } });
  expect(await ask(mockllm, "hello")).toBe("Hi.");
  await expect(ask(mockllm, "else")).rejects.toThrow(/no rule/i);
  expect((await greeting.requests()).length).toBe(1);
  expect((await mockllm.unmatched()).length).toBe(1);
});

test("a later call has priority", async ({ mockllm }) => {
  await mockllm.reply("At last.");
  await mockllm.error("rate_limit", { times: 2 });
  expect(await ask(mockllm, "hello", 2)).toBe("At last.");
  await mockllm.verify({ model: "gpt-4o" }, { times: 3 });
});

test("error has the provider's own form", async ({ mockllm }) => {
  await mockllm.error({ type: "overloaded" });
  const claude = new Anthropic({ baseURL: mockllm.anthropicUrl, apiKey: "any", maxRetries: 0 });
  const call = claude.messages.create({
    model: "claude-sonnet-5",
    max_tokens: 9,
    messages: [{ role: "user", content: "x" }],
  });
  await expect(call).rejects.toMatchObject({ status: 529 });
});

test("sequence responds in order", async ({ mockllm }) => {
  await mockllm.sequence([{ error: "overloaded", times: 2 }, "Now."]);
  await expect(ask(mockllm, "a")).rejects.toMatchObject({ status: 503 });
  await expect(ask(mockllm, "a")).rejects.toMatchObject({ status: 503 });
  expect(await ask(mockllm, "a")).toBe("Now.");
});

test("rule and tool calls", async ({ mockllm }) => {
  const call = { name: "weather", arguments: { city: "Paris" } };
  await mockllm.rule({ match: { model: "gpt-*" }, reply: { tool_calls: [call] } });
  const messages = [{ role: "user" as const, content: "x" }];
  const response = await openai(mockllm).chat.completions.create({ model: "gpt-4o", messages });
  const made = response.choices[0]!.message.tool_calls![0]!;
  expect(made.type === "function" && JSON.parse(made.function.arguments)).toEqual({ city: "Paris" });
});

test("a stream is cut by a fault", async ({ mockllm }) => {
  await mockllm.reply("one two three", {
    pace: { chunk_size: "1 word" },
    faults: [{ reset: { after: { chunks: 2 } } }],
  });
  const messages = [{ role: "user" as const, content: "x" }];
  const stream = await openai(mockllm).chat.completions.create({ model: "gpt-4o", messages, stream: true });
  const words: string[] = [];
  await expect(async () => {
    for await (const chunk of stream) words.push(chunk.choices[0]?.delta.content ?? "");
  }).rejects.toThrow();
  expect(words.join("")).toBe("one two");
});

test("modifier changes all responses", async ({ mockllm }) => {
  await mockllm.reply("Hi.");
  await mockllm.modifier({ headers: { "x-mine": "yes" } });
  const response = await fetch(`${mockllm.openaiUrl}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "x" }] }),
  });
  expect(response.headers.get("x-mine")).toBe("yes");
});

test("load adds the rules of a file", async ({ mockllm }) => {
  await writeFile("loaded.yaml", "rules:\n  - reply: From a file.\n");
  await mockllm.load("loaded.yaml");
  expect(await ask(mockllm, "x")).toBe("From a file.");
  await writeFile("wrong.yaml", "rules:\n  - replly: x\n");
  await expect(mockllm.load("wrong.yaml")).rejects.toThrow(/^wrong\.yaml:2:5: /);
});

test("load takes folders as the server does", async ({ mockllm }) => {
  const folder = await mkdtemp(join(tmpdir(), "loaded-"));
  const examples = "examples: [{request: {user: x}, expect: {rule: f}}]\n";
  await mkdir(join(folder, "pack"));
  await writeFile(join(folder, "a.yaml"), `rules: [{name: f, match: {user: x}, reply: From a.}]\n${examples}`);
  await writeFile(join(folder, "b.yaml"), "rules: [{name: f, reply: From b.}]\n");
  await writeFile(join(folder, "examples.yaml"), examples);
  await writeFile(join(folder, ".hidden.yaml"), "nothing: known\n");
  await writeFile(join(folder, "pack", "pack.yaml"), "name: pack\nversion: '1'\n");
  await mockllm.load(folder);
  expect([await ask(mockllm, "x"), await ask(mockllm, "y")]).toEqual(["From a.", "From b."]);
  await mockllm.load(join(folder, "b.yaml"), join(folder, "a.yaml"));
  expect(await ask(mockllm, "x"), "the first file has priority").toBe("From b.");
});

test("rules of several clients have separate names and requests", async () => {
  await using mock = await MockLLM.start();
  const [first, second] = [await MockLLM.connect(mock.baseUrl), await MockLLM.connect(mock.baseUrl)];
  const rules = [await first.reply("One.", { match: { user: "1" } }), await second.reply("Two.", { match: { user: "2" } })];
  const session = mock.session();
  rules.push(await session.reply("Three."));
  expect([await ask(session, "3"), await ask(session, "3")]).toEqual(["Three.", "Three."]);
  await second.verify({ user: "2" }, { times: 0 });
  expect(await Promise.all(rules.map(async (each) => (await each.requests()).length))).toEqual([0, 0, 2]);
});

test("a climate replaces the last one", async ({ mockllm }) => {
  await mockllm.reply("Hi.");
  await mockllm.climate("provider-outage");
  await mockllm.climate("provider-outage");
  await mockllm.climate("calm");
  expect(await ask(mockllm, "x")).toBe("Hi.");
});

test("climate adds the weather", async ({ mockllm }) => {
  await mockllm.reply("Hi.");
  await mockllm.climate("provider-outage");
  await expect(ask(mockllm, "x")).rejects.toThrow();
  await expect(mockllm.climate("sunny")).rejects.toThrow(/no climate is named "sunny"; there are calm, /);
});

test("verify shows the nearest request", async ({ mockllm }) => {
  await mockllm.reply("Hi.");
  await ask(mockllm, "x");
  const error = (await mockllm.verify({ model: "gpt-4o-mini" }).catch((each: unknown) => each)) as MockllmError;
  expect(error.message).toContain('model expected "gpt-4o-mini", found "gpt-4o"');
  expect(error.stack).toContain("behaviours.test.ts");
});

test("verdicts judge retries", async ({ mockllm }) => {
  await mockllm.sequence([{ error: { type: "rate_limit", retry_after: "5s" } }, "Hi."]);
  await expect(ask(mockllm, "x")).rejects.toThrow();
  await ask(mockllm, "x");
  const [client] = await mockllm.verdicts({ bad: true });
  expect(client!.verdicts.map((each) => each.verdict)).toContain("retry_after_ignored");
});

test("a mistake is an error at its line", async ({ mockllm }) => {
  // @ts-expect-error the types know the words of the language
  const mistake = mockllm.reply("x", { match: { modle: "y" } });
  const error = (await mistake.catch((each: unknown) => each)) as MockllmError;
  expect(error.message).toContain('match.modle: unknown key; did you mean "model"?');
  expect(error.stack).toMatch(/behaviours\.test\.ts:\d+:\d+/);
});

test("sessions do not see each other", async ({ mockllm, mockllmServer }) => {
  await mockllm.reply("Mine.");
  const other = mockllmServer.session();
  await other.reply("Theirs.");
  expect([await ask(mockllm, "x"), await ask(other, "x")]).toEqual(["Mine.", "Theirs."]);
  expect((await mockllm.requests()).length).toBe(1);
  await other.close();
});

test("Vercel's SDK", async ({ mockllm }) => {
  await mockllm.reply("Hi.");
  const provider = createOpenAI({ baseURL: mockllm.openaiUrl, apiKey: "any" });
  expect((await generateText({ model: provider("gpt-4o"), prompt: "x" })).text).toBe("Hi.");
});

test("the environment leads SDKs to the server", async ({ mockllm }) => {
  expect(mockllm.environment["OPENAI_BASE_URL"]).toBe(mockllm.openaiUrl);
  expect(mockllm.environment["ANTHROPIC_BASE_URL"]).toBe(mockllm.anthropicUrl);
});

test("a separate server with a pack", async () => {
  await using mock = await MockLLM.start({ packs: "default", seed: 3 });
  const response = await fetch(`${mock.openaiUrl}/models`);
  expect(response.status).toBe(200);
  expect(mock.command).toContain("mockllm");
  expect(isAbsolute(mock.command.split(" ")[0]!), "it says which program of the path it is").toBe(true);
});

test("a server that does not start says why", async () => {
  const error = await refusal(MockLLM.start({ packs: "no-such-pack" }));
  expect(error.message).toMatch(/^the mockllm server did not start: it ended with exit code 2\n\S+[/\\]mockllm(\.exe)? serve .*\n.*no-such-pack/s);
  expect(place(error)).toContain("behaviours.test.ts");
});

test("mistakes of files and climates are at their line", async ({ mockllm }) => {
  await writeFile("mistake.yaml", "rules:\n  - replly: x\n");
  expect(place(await refusal(mockllm.load("mistake.yaml")))).toContain("behaviours.test.ts");
  expect(place(await refusal(mockllm.load("no-such-file.yaml")))).toContain("behaviours.test.ts");
  expect(place(await refusal(mockllm.climate("sunny")))).toContain("behaviours.test.ts");
});

test("an unknown option is refused with the known ones", async ({ mockllm }) => {
  // @ts-expect-error plain JavaScript has no types
  const verified = await refusal(mockllm.verify({}, { time: 1 }));
  expect(verified.message).toBe('no option is called "time"; there are times, atLeast, atMost');
  expect(place(verified)).toContain("behaviours.test.ts");
  // @ts-expect-error
  expect((await refusal(mockllm.verify({}, 3))).message).toMatch(/^options are an object, found 3; there are times,/);
  // @ts-expect-error
  expect((await refusal(mockllm.requests({ missd: true }))).message).toMatch(/^no option is called "missd"/);
  // @ts-expect-error
  const started = await refusal(MockLLM.start({ pack: "default" }));
  expect(started.message).toMatch(/^no option is called "pack"; there are scenarios, packs, /);
});

test("a value that no file can contain is refused", async ({ mockllm }) => {
  // @ts-expect-error
  const regex = await refusal(mockllm.reply("x", { match: { user: /hello/i } }));
  expect(regex.message).toBe(
    'rules[0].match.user: a RegExp cannot be in a file; write {regex: "hello", ignore_case: true}',
  );
  expect(place(regex)).toContain("behaviours.test.ts");
  // @ts-expect-error
  expect((await refusal(mockllm.reply(() => "x"))).message).toBe("rules[0].reply: a function cannot be in a file");
  const unbounded = await refusal(mockllm.modifier({ pace: { slowdown: Infinity } }));
  expect(unbounded.message).toBe("modifiers[0].pace.slowdown: Infinity cannot be in a file");
  await mockllm.reply({ json: { on: new Date(0), left_out: undefined } });
  expect(await ask(mockllm, "x")).toBe('{"on":"1970-01-01T00:00:00.000Z"}');
});

test("steps of a sequence are one list", async ({ mockllm }) => {
  // @ts-expect-error
  const steps = await refusal(mockllm.sequence("a", "b"));
  expect(steps.message).toBe('options are an object, found "b"');
  // @ts-expect-error
  expect((await refusal(mockllm.sequence("a"))).message).toContain('expected a list, found the text "a"; write [a]');
});

test("a URL with the path of an SDK is refused", async ({ mockllmServer }) => {
  const error = await refusal(MockLLM.connect(mockllmServer.openaiUrl));
  const advice = `write the address without a path, ${mockllmServer.baseUrl}`;
  expect(error.message).toBe(`no mockllm server is at ${mockllmServer.openaiUrl}: ${advice}`);
});
