// Vercel's `ai`: images, speech and transcripts.

import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import {
  experimental_generateSpeech as generateSpeech,
  experimental_transcribe as transcribe,
  generateImage,
} from "ai";
import { URL, assert, test } from "./cases.mjs";

const openai = createOpenAI({ baseURL: `${URL}/v1`, apiKey: "sk-test" });
const google = createGoogleGenerativeAI({ baseURL: `${URL}/v1beta`, apiKey: "key" });

test("OpenAI: images", async () => {
  const model = openai.image("gpt-image-1");
  const { images } = await generateImage({ model, prompt: "a cat", n: 2, size: "1024x1024", maxRetries: 0 });
  assert.equal(images.length, 2);
  assert.equal(images[0].mediaType, "image/png");
});

test("OpenAI: speech, and its transcript", async () => {
  const model = openai.speech("gpt-4o-mini-tts");
  const { audio } = await generateSpeech({ model, text: "Hello there.", outputFormat: "wav", maxRetries: 0 });
  assert.equal(Buffer.from(audio.uint8Array).subarray(0, 4).toString(), "RIFF");
  const whisper = openai.transcription("whisper-1");
  const transcript = await transcribe({ model: whisper, audio: audio.uint8Array, maxRetries: 0 });
  assert.match(transcript.text, /^Hello there\./);
});

test("Google: images", async () => {
  const model = google.image("imagen-4.0-generate-001");
  const { image } = await generateImage({ model, prompt: "a cat", aspectRatio: "16:9", maxRetries: 0 });
  assert.equal(image.mediaType, "image/png");
});
