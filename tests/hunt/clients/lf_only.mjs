// Bug: an event ends with two LF only, and may end with CRLF.
// Source: https://github.com/hey-api/hey-api/issues/3054
import { MENDED, chat, checkFinish, open, run, take } from "./wire.mjs";

await run(async () => {
  const decoder = new TextDecoder();
  let rest = "";
  let finish = null;
  for await (const part of await open(chat("hi"))) {
    rest += decoder.decode(part, { stream: true });
    if (MENDED) rest = rest.replace(/\r\n/g, "\n");
    const events = rest.split("\n\n");
    rest = events.pop();
    for (const event of events)
      for (const line of event.split("\n")) finish = take(line, (delta) => process.stdout.write(delta.content ?? delta.refusal ?? "")) ?? finish;
  }
  console.log();
  checkFinish(finish);
});
