import { expect, test } from "mockllm/playwright";

test("a reply in Playwright", async ({ mockllm, request }) => {
  await mockllm.reply("Hi.");
  const data = { model: "gpt-4o", messages: [{ role: "user", content: "x" }] };
  const response = await request.post(`${mockllm.openaiUrl}/chat/completions`, { data });
  expect((await response.json()).choices[0].message.content).toBe("Hi.");
});
