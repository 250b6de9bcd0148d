"""Google's Interactions API: a response as steps, streamed or not, stored, continued, and in the background."""
