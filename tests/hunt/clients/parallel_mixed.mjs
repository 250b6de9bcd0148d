// Bug: the arguments of a tool call are added to the call that came last, whatever their index is.
// Source: https://github.com/QwenLM/Qwen-Agent/pull/943
import { MENDED, chat, checkFinish, fail, open, run, take } from "./wire.mjs";

const tools = ["book_flight", "book_hotel"].map((name) => ({ type: "function", function: { name } }));

await run(async () => {
  const decoder = new TextDecoder();
  const calls = [];
  let rest = "";
  let finish = null;
  for await (const part of await open({ ...chat("book"), tools })) {
    rest += decoder.decode(part, { stream: true });
    const lines = rest.split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines)
      finish = take(line, (delta) => {
        process.stdout.write(delta.content ?? delta.refusal ?? "");
        for (const call of delta.tool_calls ?? []) {
          if (call.id) calls[call.index] = { name: call.function.name, text: "" };
          const known = MENDED ? calls[call.index] : calls[calls.length - 1];
          known.text += call.function.arguments ?? "";
        }
      }) ?? finish;
  }
  console.log();
  checkFinish(finish);
  for (const call of calls) {
    let args;
    try {
      args = JSON.parse(call.text);
    } catch {
      fail(`the arguments of ${call.name} are no JSON`);
    }
    console.log(call.name, JSON.stringify(args));
  }
});
