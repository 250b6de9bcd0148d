"""Google's Live protocol: a WebSocket with a setup, turns of user and model, audio in and out, and tool calls."""
