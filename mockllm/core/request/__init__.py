"""A request as rules see it: its body, messages, tools and headers, and the stored objects that it names."""
