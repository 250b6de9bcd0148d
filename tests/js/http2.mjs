// Node's own client of HTTP/2, without TLS: streams of one session, and what cuts do to them.

import http2 from "node:http2";
import { HELLO, URL, assert, test } from "./cases.mjs";

/** A session that ends with its case; `ended` has what ended it. */
async function withSession(use) {
  const session = http2.connect(URL);
  const ended = { goaway: null, error: null, closed: false };
  session.on("goaway", (code) => (ended.goaway = code));
  session.on("error", (error) => (ended.error = error.code));
  const closed = new Promise((done) => session.on("close", () => done((ended.closed = true))));
  try {
    await use(session, ended, closed);
  } finally {
    session.destroy();
  }
}

/** A request, and what has come of its response when it is over. */
function ask(session, user, more = {}) {
  const { model = "gpt-4o", ...fields } = more;
  const body = JSON.stringify({ model, messages: [{ role: "user", content: user }], ...fields });
  const headers = { ":method": "POST", ":path": "/v1/chat/completions", "content-type": "application/json" };
  const request = session.request(headers);
  const got = { request, headers: null, text: "", error: null };
  got.over = new Promise((done) => {
    request.on("response", (found) => (got.headers = found));
    request.setEncoding("utf8");
    request.on("data", (text) => (got.text += text));
    request.on("error", (error) => (got.error = error.code));
    request.on("close", () => done(got));
  });
  request.end(body);
  return got;
}

test("response has a status and names in lower case", async () => {
  await withSession(async (session) => {
    const got = await ask(session, "hello").over;
    assert.equal(got.headers[":status"], 200);
    assert.deepEqual([got.headers["transfer-encoding"], got.headers.connection], [undefined, undefined]);
    assert.equal(JSON.parse(got.text).choices[0].message.content, HELLO);
    assert.equal(Number(got.headers["content-length"]), Buffer.byteLength(got.text));
  });
});

test("a hundred streams share a session", async () => {
  await withSession(async (session) => {
    const all = Array.from({ length: 100 }, () => ask(session, "hello", { stream: true }).over);
    for (const got of await Promise.all(all)) assert.ok(got.text.endsWith("data: [DONE]\n\n"), got.text);
    assert.equal(session.remoteSettings.maxConcurrentStreams, 128);
  });
});

test("cut resets its stream, and the session goes on", async () => {
  await withSession(async (session) => {
    const got = await ask(session, "hi", { model: "cut-stream", stream: true }).over;
    assert.equal(got.request.rstCode, http2.constants.NGHTTP2_INTERNAL_ERROR);
    assert.equal(got.error, "ERR_HTTP2_STREAM_ERROR");
    assert.equal((await ask(session, "hello").over).headers[":status"], 200);
  });
});

test("reset ends the session without GOAWAY", async () => {
  await withSession(async (session, ended, closed) => {
    const got = await ask(session, "hi", { model: "reset-connection" }).over;
    await closed;
    assert.equal(got.headers, null);
    assert.equal(ended.goaway, null);
  });
});

test("client that cancels its stream uses the session again", async () => {
  await withSession(async (session) => {
    const slow = ask(session, "hi", { model: "slow" });
    slow.request.close(http2.constants.NGHTTP2_CANCEL);
    await slow.over;
    assert.equal((await ask(session, "hello").over).headers[":status"], 200);
  });
});

test("ping is returned while streams are open", async () => {
  await withSession(async (session) => {
    await ask(session, "hello").over; // before it is connected, the client itself cancels a ping
    const slow = ask(session, "hi", { model: "slow" });
    await new Promise((done, fail) => session.ping((error) => (error ? fail(error) : done())));
    slow.request.close();
    await slow.over;
  });
});
