// What a client measures on its own clock under `mockllm exec --time-scale`.
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";

const began = [Date.now(), performance.now()];
const client = new OpenAI({ maxRetries: 5 });
const answer = await client.chat.completions.create({ model: "gpt-4o", messages: [{ role: "user", content: "hi" }] });
const backedOff = [Date.now() - began[0], performance.now() - began[1]];
const before = Date.now();
await sleep(20_000);
await new Promise((resolve) => setTimeout(resolve, 10_000));
const aborted = await new Promise((resolve) => {
  setTimeout(() => resolve(false), 50_000);
  AbortSignal.timeout(10_000).addEventListener("abort", () => resolve(true));
});
console.log(JSON.stringify({ text: answer.choices[0].message.content, backedOff, slept: Date.now() - before, aborted }));
