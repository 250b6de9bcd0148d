"""OpenAI's images, speech, transcriptions and videos."""
