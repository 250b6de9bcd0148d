// The same with Node's own test runner, and nothing beside it.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { MockLLM } from "mockllm";

let server;
let mock;
before(async () => (server = await MockLLM.start()));
after(() => server.stop());
beforeEach(() => (mock = server.session()));
afterEach(async (context) => {
  if (!context.passed) console.error(await mock.journal());
  await mock.close();
});

test("a reply", async () => {
  await mock.reply("Hi.", { match: { user: "hello" } });
  const response = await fetch(`${mock.openaiUrl}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "hello" }] }),
  });
  assert.equal((await response.json()).choices[0].message.content, "Hi.");
  await mock.verify({ user: "hello" }, { times: 1 });
});

test("a failing test", async () => {
  await fetch(`${mock.openaiUrl}/chat/completions`, { method: "POST", body: JSON.stringify({ model: "gpt-4o" }) });
  await mock.verify({ user: "hello" });
});
