// What the clients in JavaScript share: fetch, and the parts that behave well.
export const MENDED = process.env.MENDED === "1";
const TRIES = 3;
const RETRIED = new Set([408, 409, 429, 500, 502, 503, 504, 529]);

export class ClientFailure extends Error {}

export const fail = (message) => {
  throw new ClientFailure(message);
};

export const chat = (content) => ({ model: "gpt-4o", stream: true, messages: [{ role: "user", content }] });

export const run = async (main) => {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof ClientFailure)) throw error;
    console.error(`the provider failed: ${error.message}`);
    process.exit(3);
  }
};

const READ_TIMEOUT = 4; // seconds, in which a busy machine sends something
const sleep = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

// One request with retries; the parts of its body, each within the read timeout.
export const open = async (body) => {
  for (let tries = 0; ; tries++) {
    const last = tries === TRIES - 1;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), 1000 * READ_TIMEOUT);
    let response;
    try {
      response = await fetch(`${process.env.OPENAI_BASE_URL}/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer any" },
        body: JSON.stringify(body),
        signal: abort.signal,
      });
    } catch (error) {
      clearTimeout(timer);
      if (last) fail(`no response: ${error.message}`);
      await sleep(0.15 * 2.5 ** tries);
      continue;
    }
    clearTimeout(timer);
    if (response.status === 200) return parts(response, abort);
    if (last || !RETRIED.has(response.status)) fail(`status ${response.status}`);
    await response.text().catch(() => "");
    const retryAfter = Number(response.headers.get("retry-after") || NaN);
    await sleep(Number.isNaN(retryAfter) ? 0.15 * 2.5 ** tries : retryAfter);
  }
};

async function* parts(response, abort) {
  const reader = response.body.getReader();
  for (;;) {
    const timer = setTimeout(() => abort.abort(), 1000 * READ_TIMEOUT);
    let read;
    try {
      read = await reader.read();
    } catch (error) {
      fail(`the response broke off: ${error.message}`);
    } finally {
      clearTimeout(timer);
    }
    if (read.done) return;
    yield read.value;
  }
}

// One line of a stream; the finish reason, if it has one.
export const take = (line, use) => {
  if (!line.startsWith("data:")) return null;
  const data = line.slice(5).trimStart();
  if (data === "[DONE]") return null;
  const chunk = JSON.parse(data);
  if (chunk.error) fail(`an error in the stream: ${chunk.error.message}`);
  let finish = null;
  for (const choice of chunk.choices) {
    use(choice.delta);
    finish = choice.finish_reason ?? finish;
  }
  return finish;
};

export const checkFinish = (finish) => {
  if (finish !== "stop" && finish !== "tool_calls") fail(`the answer is not complete: ${finish}`);
};
