// Bug: each piece of the body is decoded by itself, so that a character in two pieces is lost.
// Source: https://github.com/braintrustdata/braintrust-sdk-javascript/pull/2091
import { MENDED, chat, checkFinish, fail, open, run, take } from "./wire.mjs";

await run(async () => {
  const decoder = new TextDecoder();
  let rest = "";
  let finish = null;
  for await (const piece of await open(chat("hi"))) {
    rest += MENDED ? decoder.decode(piece, { stream: true }) : new TextDecoder().decode(piece);
    const lines = rest.split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) finish = take(line, (delta) => process.stdout.write(delta.content ?? delta.refusal ?? "")) ?? finish;
  }
  console.log();
  checkFinish(finish);
});
