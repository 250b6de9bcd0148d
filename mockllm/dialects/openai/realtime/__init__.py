"""OpenAI's realtime protocol: a WebSocket with a session, a conversation, audio in and out, and responses."""
