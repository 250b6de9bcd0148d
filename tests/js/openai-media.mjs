// The openai package: images, speech, transcriptions and videos.

import OpenAI, { toFile } from "openai";
import { URL, all, assert, test } from "./cases.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: "sk-test", maxRetries: 0 });
const wav = async () => {
  const speech = { model: "tts-1", voice: "alloy", input: "Hello there.", response_format: "wav" };
  return Buffer.from(await (await client.audio.speech.create(speech)).arrayBuffer());
};

test("images, generated and edited", async () => {
  const made = await client.images.generate({ model: "gpt-image-2", prompt: "a cat", n: 2 });
  assert.equal(made.data.length, 2);
  const png = Buffer.from(made.data[0].b64_json, "base64");
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  const image = await toFile(png, "a.png", { type: "image/png" });
  const edited = await client.images.edit({ model: "gpt-image-2", image: [image, image], prompt: "a hat" });
  assert.ok(edited.usage.input_tokens_details.image_tokens > 0);
});

test("partial images of a stream", async () => {
  const wanted = { model: "gpt-image-2", prompt: "a cat", stream: true, partial_images: 2 };
  const events = await all(await client.images.generate(wanted));
  assert.deepEqual(
    events.map((event) => event.type.split(".")[1]),
    ["partial_image", "partial_image", "completed"],
  );
});

test("speech, and its transcript", async () => {
  const audio = await wav();
  assert.equal(audio.subarray(0, 4).toString(), "RIFF");
  const file = await toFile(audio, "a.wav");
  const transcript = await client.audio.transcriptions.create({ model: "gpt-4o-transcribe", file });
  assert.match(transcript.text, /^Hello there\./);
});

test("a transcript, token by token", async () => {
  const file = await toFile(await wav(), "a.wav");
  const stream = await client.audio.transcriptions.create({ model: "gpt-4o-transcribe", file, stream: true });
  const events = await all(stream);
  const text = events.map((event) => event.delta ?? "").join("");
  assert.equal(events.at(-1).text, text);
});

test("a video", async () => {
  let video = await client.videos.create({ prompt: "a dog", seconds: "4" });
  assert.equal(video.status, "queued");
  for (let reads = 0; video.status !== "completed" && reads < 100; reads += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    video = await client.videos.retrieve(video.id);
  }
  const content = Buffer.from(await (await client.videos.downloadContent(video.id)).arrayBuffer());
  assert.equal(content.subarray(4, 8).toString(), "ftyp");
});
