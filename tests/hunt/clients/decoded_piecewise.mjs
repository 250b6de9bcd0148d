// Bug: each part of the body is decoded by itself, so that a character in two parts is lost.
// Source: https://github.com/braintrustdata/braintrust-sdk-javascript/pull/2091
import { MENDED, chat, checkFinish, fail, open, run, take } from "./wire.mjs";

await run(async () => {
  const decoder = new TextDecoder();
  let rest = "";
  let finish = null;
  for await (const part of await open(chat("hi"))) {
    rest += MENDED ? decoder.decode(part, { stream: true }) : new TextDecoder().decode(part);
    const lines = rest.split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) finish = take(line, (delta) => process.stdout.write(delta.content ?? delta.refusal ?? "")) ?? finish;
  }
  console.log();
  checkFinish(finish);
});
