// A client of an MCP server: `node client.mjs PACKAGE URL [MODE]` prints what it got, as JSON.
// PACKAGE is sdk (the SDK of the versions with a handshake) or client (the one that also speaks 2026-07-28).

const [, , which, url] = process.argv;
const http = new URL(url);

async function connected() {
  const info = { name: "typescript", version: "1.0.0" };
  const capabilities = { elicitation: { form: {} } };
  if (which === "sdk") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import(
      "@modelcontextprotocol/sdk/client/streamableHttp.js"
    );
    const types = await import("@modelcontextprotocol/sdk/types.js");
    const client = new Client(info, { capabilities });
    client.setRequestHandler(types.ElicitRequestSchema, answer);
    return [client, new StreamableHTTPClientTransport(http)];
  }
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const mode = process.argv[4];
  const client = new Client(info, { capabilities, ...(mode ? { versionNegotiation: { mode } } : {}) });
  client.setRequestHandler("elicitation/create", answer);
  return [client, new StreamableHTTPClientTransport(http)];
}

async function answer() {
  return { action: "accept", content: { name: "Ann" } };
}

async function outcome(promise) {
  try {
    return await promise;
  } catch (error) {
    return { failed: error.message, code: error.code };
  }
}

const [client, transport] = await connected();
await client.connect(transport);
const progress = [];
const tool = (name, args = {}, options = {}) =>
  outcome(which === "sdk" ? client.callTool({ name, arguments: args }, undefined, options) : client.callTool({ name, arguments: args }, options));
const got = {
  tools: (await client.listTools()).tools.map((each) => each.name),
  paris: await tool("get_weather", { city: "Paris" }),
  atlantis: await tool("get_weather", { city: "Atlantis" }),
  slow: await tool("slow", {}, { onprogress: (each) => progress.push(each.progress) }),
  questioned: await tool("book"),
  unknown: await tool("nothing"),
  resource: await client.readResource({ uri: "city://Oslo" }),
  prompt: await client.getPrompt({ name: "greet", arguments: { who: "Ann" } }),
  progress,
};
await client.close();
console.log(JSON.stringify(got));
