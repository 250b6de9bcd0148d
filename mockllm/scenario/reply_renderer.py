"""From a reply's words to a Reply: parts in their order, texts made and cut into chunks, tokens counted.

The words come evaluated: what was templated or drawn has its value by now.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.budget import DEFAULT_VALUES
from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.randomness import Randomness
from mockllm.core.reply.chunking import cut, filler_sentences, filler_tokens
from mockllm.core.reply.citations import full_text
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.reply.reply import (
    Call,
    Choice,
    Citation,
    ContentChunk,
    Finish,
    Media,
    Part,
    Pause,
    Refusal,
    Reply,
    Text,
    Thinking,
    Usage,
    Verbatim,
)
from mockllm.core.reply.truncation import part_tokens, truncate
from mockllm.core.request.request import Request, Tool
from mockllm.scenario.language.chunks import Chunk, CommentChunk, ErrorChunk, RawChunk, WaitChunk
from mockllm.scenario.language.error import ErrorSpec
from mockllm.scenario.language.from_schema import FromSchema
from mockllm.scenario.language.generated_text import FileText, SentencesText, TextWord, TokensText
from mockllm.scenario.language.reply import (
    ChoiceSpec,
    CitationSpec,
    ImageSpec,
    PartSpec,
    ReplySpec,
    ThinkingSpec,
    ToolCallSpec,
    UsageSpec,
)
from mockllm.scenario.schema_replies import arguments, chosen, offered, structured

PNG = "image/png"
PICTURES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
"""The types of pictures, by how their files' names end."""
SMALLEST = ChunkSize(1, "tokens")
"""What a chunk is where no pace says otherwise: one token, as the providers stream."""


def embedded(word: ReplySpec) -> EmbeddingResult:
    """What a reply with an embedding has an embeddings call say."""
    assert word.embedding is not None
    tokens = None if word.usage is None else word.usage.input_tokens
    return EmbeddingResult(word.embedding, word.model, tokens, word.extras)


def failure(word: ErrorSpec) -> Failure:
    """An error's words as a Failure."""
    fields = word.fields
    if word.type is None:
        assert isinstance(word.status, int)
        found = Failure.of_status(word.status)
        return Failure(found.type, word.status, word.message, word.retry_after, fields)
    return Failure(word.type, word.status, word.message, word.retry_after, fields, limit=word.limit)


class ReplyRenderer(Struct):
    """One reply in the making. `files` reads what `{file: …}` names; `notes` collects what was not done."""

    request: Request
    randomness: Randomness
    size: ChunkSize
    files: Callable[[str], bytes]
    streamed: bool = True
    """Whether it is said as a stream: what a script holds beside its chunks is for streams."""
    max_generated: int = DEFAULT_VALUES
    """How many values are generated for one schema."""
    notes: list[str] = field(default_factory=list)
    broken: Failure | None = None
    drawn: int = 0

    def reply(self, word: ReplySpec) -> Reply:
        sampling = self.request.sampling
        words: Sequence[ChoiceSpec] = word.choices if word.choices is not None else [word]
        made = [self.choice(each) for each in words]
        choices = tuple(made) if word.choices is not None else tuple(made) * max(1, sampling.n)
        usage = self.usage(choices, word.usage)
        if word.embedding is not None:
            self.notes.append("embedding left out: only embeddings calls have one")
        return Reply(choices, usage, word.model, self.broken, extras=word.extras)

    def choice(self, word: ChoiceSpec) -> Choice:
        parts = tuple(self.parts(word))
        calls = any(type(part) is Call for part in parts)
        refused = any(type(part) is Refusal for part in parts)
        finish: Finish = "tool_calls" if calls else "refusal" if refused else "stop"
        choice = Choice(parts, word.finish_reason or finish)
        sampling = self.request.sampling
        if not sampling.stop and sampling.max_tokens is None:
            return choice
        short = truncate(choice, sampling)
        fixed = self.uncut(word)
        if fixed and short is not choice:
            self.notes.append(f"max_tokens and stop leave {fixed} as written")
            return choice
        return short

    def uncut(self, word: ChoiceSpec) -> str | None:
        """What of this is sent as written, whatever max_tokens and stop say."""
        given = word.model_fields_set
        for name, shown in (("chunks", "a chunk script"), ("json_", "json"), ("tool_calls", "tool calls")):
            if name in given:
                return shown
        if word.finish_reason is not None:
            return "a reply with its own finish_reason"
        for part in word.parts or ():
            if part.model_fields_set & {"chunks", "json_", "tool_calls"}:
                return "scripts, json and tool calls"
        return None

    def parts(self, word: ChoiceSpec) -> list[Part]:
        if word.parts is not None:
            return list(self.ordered(word.parts))
        parts: list[Part] = []
        if word.thinking is not None:
            parts.append(self.thinking(word.thinking))
        if "json_" in word.model_fields_set:
            parts.append(self.json(word.json_))
        elif word.chunks is not None:
            whole = None if word.text is None else "".join(self.text(word.text)[0])
            parts.append(
                Text(self.script(word.chunks, instead=whole is not None), whole=whole, scripted=True)
            )
            if self.broken is not None:
                return self.cited(parts, word.citations)
        elif word.text is not None:
            parts.append(Text(*self.text(word.text)))
        if word.refusal is not None:
            parts.append(Refusal(self.text(word.refusal)[0]))
        parts = self.cited(parts, word.citations) + self.images(word.images)
        return parts + self.calls(word.tool_calls, alone=not parts)

    def cited(self, parts: list[Part], words: Sequence[CitationSpec] | None) -> list[Part]:
        """The parts, with the sources of their text."""
        if not words:
            return parts
        return [self.sourced(part, words) if type(part) is Text else part for part in parts]

    def sourced(self, text: Text, words: Sequence[CitationSpec]) -> Text:
        spoken = full_text(text)
        made = []
        for word in words:
            start, end = 0, None
            if word.words is not None:
                start = spoken.find(str(word.words))
                if start < 0:
                    self.notes.append(
                        f"a source stands behind the whole text: it has no words {word.words!r}"
                    )
                    start = 0
                else:
                    end = start + len(str(word.words))
            made.append(Citation(str(word.url), word.title, word.quote, start, end))
        return replace(text, citations=tuple(made))

    def images(self, words: Sequence[ImageSpec] | None) -> list[Part]:
        return [self.image(word) for word in words or ()]

    def image(self, word: ImageSpec) -> Media:
        """A picture; of an unknown type it is a PNG."""
        if word.file is None:
            return Media(word.mime_type or PNG, str(word.data))
        kind = word.mime_type or PICTURES.get(word.file.rpartition(".")[2].lower(), PNG)
        return Media(kind, b64encode(self.files(word.file)).decode())

    def ordered(self, words: Sequence[PartSpec]) -> Iterator[Part]:
        """The parts up to one that breaks."""
        for word in words:
            if word.tool_calls is not None:
                yield from self.calls(word.tool_calls, alone=len(words) == 1)
            elif word.images is not None:
                yield from self.images(word.images)
            else:
                yield from self.cited([self.part(word)], word.citations)
            if self.broken is not None:
                return

    def part(self, word: PartSpec) -> Part:
        if word.thinking is not None:
            return self.thinking(word.thinking)
        if word.refusal is not None:
            return Refusal(self.text(word.refusal)[0])
        if word.chunks is not None:
            return Text(self.script(word.chunks), scripted=True)
        if word.text is not None:
            return Text(*self.text(word.text))
        return self.json(word.json_)

    def thinking(self, word: ThinkingSpec) -> Thinking:
        return Thinking(self.text(word.text)[0], word.signature)

    def calls(self, words: FromSchema | Sequence[ToolCallSpec] | None, *, alone: bool) -> list[Part]:
        if isinstance(words, FromSchema):
            return self.offered_call(alone=alone)
        return [self.call(each) for each in words or ()]

    def call(self, word: ToolCallSpec) -> Call:
        name, given = str(word.name), word.arguments
        if isinstance(given, FromSchema):
            given = self.arguments(name, offered(self.request, name))
        said = given if isinstance(given, str) else dumps(given).decode()
        return Call(name, cut(said, self.size), word.id)

    def arguments(self, name: str, tool: Tool | None) -> str:
        """Made arguments for a tool; none where the request does not offer it."""
        if tool is None:
            self.notes.append(f"no arguments are made for {name}: the request offers no such tool")
            return "{}"
        said, flaw = arguments(tool, self.random(), self.max_generated)
        if flaw is not None:
            self.notes.append(flaw)
        return said

    def offered_call(self, *, alone: bool) -> list[Part]:
        """A call of the tool that the request lets the model call. Where there is none, an answer that would
        be empty says why."""
        tool = chosen(self.request)
        if isinstance(tool, str):
            self.notes.append(f"no tool is called: {tool}")
            return [Text(cut(f"There is no tool to call: {tool}.", self.size))] if alone else []
        return [Call(tool.name, cut(self.arguments(tool.name, tool), self.size))]

    def json(self, value: Any) -> Text:
        if isinstance(value, FromSchema):
            made = structured(self.request, self.random(), self.max_generated)
            value = made.value
            if made.flaw is not None:
                self.notes.append(made.flaw)
        bare = isinstance(value, str) and self.request.response_format.bare
        return Text(cut(value if bare else dumps(value).decode(), self.size))

    def random(self) -> Random:
        """For a thing that is made: each has draws of its own."""
        self.drawn += 1
        return self.randomness.random(f"from_schema {self.drawn}")

    def text(self, word: TextWord) -> tuple[tuple[str, ...], int | None]:
        """A text's pieces, and its tokens where they are known."""
        if isinstance(word, TokensText):
            pieces = filler_tokens(word.tokens, word.of)
            if self.size.unit == "tokens":
                count = self.size.count
                joined = tuple(
                    "".join(pieces[start : start + count]) for start in range(0, len(pieces), count)
                )
                return (pieces if count == 1 else joined), len(pieces)
            return cut("".join(pieces), self.size), len(pieces)
        if isinstance(word, SentencesText):
            self.drawn += 1
            made = filler_sentences(word.sentences, self.randomness.random(f"sentences {self.drawn}"))
            return cut(made, self.size), None
        if isinstance(word, FileText):
            return cut(self.files(word.file).decode("utf-8", "replace"), self.size), None
        return cut(str(word), self.size), None

    def script(self, chunks: Sequence[Chunk], *, instead: bool = False) -> tuple[ContentChunk, ...]:
        """A script's pieces; `instead`: a whole answer says another text, so that no error breaks it."""
        pieces: list[ContentChunk] = []
        left_out = False
        for chunk in chunks:
            if isinstance(chunk, WaitChunk):
                pieces.append(Pause(chunk.wait))
            elif isinstance(chunk, RawChunk):
                pieces.append(Verbatim(chunk.raw.encode()))
                left_out = not self.streamed
            elif isinstance(chunk, CommentChunk):
                lines = chunk.comment.splitlines() or [""]
                pieces.append(Verbatim("".join(f": {line}\n" for line in lines).encode() + b"\n"))
                left_out = not self.streamed
            elif isinstance(chunk, ErrorChunk):
                if self.streamed or not instead:
                    self.broken = failure(chunk.error)
                break
            else:
                pieces.append(str(chunk))
        if left_out:
            self.notes.append("raw bytes and comments are for streams: left out of the whole answer")
        return tuple(pieces)

    def usage(self, choices: Sequence[Choice], word: UsageSpec | None) -> Usage:
        output = reasoning = 0
        for choice in choices:
            for part in choice.parts:
                tokens = part_tokens(part)
                output += tokens
                reasoning += tokens if type(part) is Thinking else 0
        if word is None:
            return Usage(self.request.input_tokens, output, reasoning=reasoning)
        given: Any = word
        return Usage(
            self.request.input_tokens if given.input_tokens is None else given.input_tokens,
            output if given.output_tokens is None else given.output_tokens,
            given.cached_tokens or 0,
            given.cache_write_tokens or 0,
            reasoning if given.reasoning_tokens is None else given.reasoning_tokens,
        )
