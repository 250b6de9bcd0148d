"""From a reply's spec to a Reply: parts in their order, texts generated and cut into chunks, tokens counted.

The spec is evaluated: templated and drawn values have their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from random import Random
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.budget import DEFAULT_VALUES, PlanningTooLong
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.randomness import Randomness
from mockllm.core.reply.chunking import filler_sentences, filler_tokens, split_into_chunks
from mockllm.core.reply.citations import full_text, place_of_words
from mockllm.core.reply.reply import (
    Choice,
    Citation,
    ContentElement,
    Finish,
    GeneratedToolCall,
    Part,
    Pause,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
    Verbatim,
)
from mockllm.core.reply.transcript import Transcript
from mockllm.core.reply.truncation import part_tokens, truncate
from mockllm.core.request.request import Request, Tool
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.scenario.error_failure import failure_from_spec
from mockllm.scenario.language.content import (
    Chunk,
    CommentChunk,
    ErrorChunk,
    FileText,
    FromSchema,
    GeneratedText,
    RawChunk,
    SentencesText,
    TokensText,
    WaitChunk,
)
from mockllm.scenario.language.media import TranscriptSpec
from mockllm.scenario.language.reply import (
    ChoiceSpec,
    CitationSpec,
    PartSpec,
    RawFinishSpec,
    ReplySpec,
    ThinkingSpec,
    ToolCallSpec,
    UsageSpec,
)
from mockllm.scenario.mcp_replies import mcp_members
from mockllm.scenario.provider_parts import redacted, server_tools
from mockllm.scenario.schema_replies import (
    DRAWS,
    choose_tool,
    generate_arguments,
    generate_json,
)

NO_TRUNCATION: Final = OutputBounds()[1:]
"""The parameters of a request that neither cuts nor lengthens a reply."""
EVENTS: Final = "events"
"""The key of the extras of single events."""


def split_extras(extras: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    """Return the extras of whole responses and those of events, each by dialect."""
    if not any(EVENTS in each for each in extras.values()):
        return {"extras": extras}
    whole = {
        name: {key: value for key, value in each.items() if key != EVENTS} for name, each in extras.items()
    }
    events = {name: each[EVENTS] for name, each in extras.items() if isinstance(each.get(EVENTS), dict)}
    return {"extras": whole, "event_extras": events}


class ReplyRenderer(Struct):
    """Renders one reply. `files` reads the files of `{file: …}`; `notes` collects what was left out and why."""

    request: Request
    randomness: Randomness
    size: ChunkSize
    files: Callable[[str], bytes]
    streamed: bool = True
    """Whether the reply is streamed: raw bytes and comments of a script are for streams."""
    max_generated: int = DEFAULT_VALUES
    """Maximum number of values that are generated for one schema."""
    max_characters: float = inf
    """Characters of one text; more raise PlanningTooLong."""
    arguments_in_one_chunk: bool = False
    """Whether each call has its arguments in one chunk: the response is no stream and waits for none."""
    generated_tool_call: GeneratedToolCall | None = None
    """The call that the reply has, where it is generated already."""
    notes: list[str] = field(default_factory=list)
    failure: Failure | None = None
    draw_count: int = 0
    """How many generated values have drawn."""

    def reply(self, spec: ReplySpec) -> Reply:
        output_bounds = self.request.output_bounds
        specs: Sequence[ChoiceSpec] = spec.choices if spec.choices is not None else [spec]
        result = [self.choice(choice) for choice in specs]
        choices = tuple(result) if spec.choices is not None else tuple(result) * max(1, output_bounds.n)
        usage = self.usage(choices, spec.usage)
        if spec.embedding is not None:
            self.notes.append("embedding left out: only embeddings calls have one")
        members = {} if spec.mcp is None else mcp_members(spec.mcp)
        transcript = None if spec.transcript is None else self.transcript(spec.transcript)
        extras = split_extras(spec.extras)
        return Reply(
            choices, usage, spec.model, self.failure, **extras, mcp_members=members, transcript=transcript
        )

    def choice(self, spec: ChoiceSpec) -> Choice:
        parts = tuple(self.parts(spec))
        calls = any(type(part) is ToolCall for part in parts)
        refused = any(type(part) is Refusal for part in parts)
        finish: Finish = "tool_calls" if calls else "refusal" if refused else "stop"
        stated = spec.finish_reason
        if isinstance(stated, RawFinishSpec):
            choice = Choice(parts, finish, raw_finish=str(stated.raw))
        else:
            choice = Choice(parts, stated or finish)
        output_bounds = self.request.output_bounds
        if output_bounds[1:] == NO_TRUNCATION:
            return choice
        short = truncate(choice, output_bounds)
        fixed = self.untruncated(spec)
        if fixed and short is not choice:
            self.notes.append(f"max_tokens and stop leave {fixed} as written")
            return choice
        return short

    def untruncated(self, spec: ChoiceSpec) -> str | None:
        """Return the content that is sent as written, whatever max_tokens and stop are."""
        keys = spec.model_fields_set
        for name, shown in (("chunks", "a chunk script"), ("json_", "json"), ("tool_calls", "tool calls")):
            if name in keys:
                return shown
        if spec.finish_reason is not None:
            return "a reply with its own finish_reason"
        for part in spec.parts or ():
            if part.model_fields_set & {"chunks", "json_", "tool_calls"}:
                return "scripts, json and tool calls"
        return None

    def parts(self, spec: ChoiceSpec) -> list[Part]:
        if spec.parts is not None:
            return list(self.ordered_parts(spec.parts))
        parts: list[Part] = []
        if spec.thinking is not None:
            parts.append(self.thinking(spec.thinking))
        if spec.redacted_thinking is not None:
            parts.append(redacted(spec.redacted_thinking))
        parts += server_tools(spec.server_tools)
        if "json_" in spec.model_fields_set:
            parts.append(self.json(spec.json_))
        elif spec.chunks is not None:
            whole = None if spec.text is None else "".join(self.text(spec.text)[0])
            script = self.script(spec.chunks, has_whole_text=whole is not None)
            parts.append(Text(script, whole=whole, exact_chunks=True))
            if self.failure is not None:
                return self.with_citations(parts, spec.citations)
        elif spec.text is not None:
            parts.append(Text(*self.text(spec.text)))
        if spec.refusal is not None:
            parts.append(Refusal(self.text(spec.refusal)[0]))
        parts = self.with_citations(parts, spec.citations) + self.media(spec)
        return parts + self.calls(spec.tool_calls, alone=not parts)

    def with_citations(self, parts: list[Part], specs: Sequence[CitationSpec] | None) -> list[Part]:
        """Return the parts, with the sources of their text."""
        if not specs:
            return parts
        return [self.add_citations(part, specs) if type(part) is Text else part for part in parts]

    def add_citations(self, text: Text, specs: Sequence[CitationSpec]) -> Text:
        cited_text = full_text(text)
        result: list[Citation] = []
        for spec in specs:
            url, place = str(spec.url), None
            if spec.words is not None:
                place = place_of_words(str(spec.words), cited_text, url, result)
                if place is None:
                    note = f"a citation covers the whole text: the text has no words {spec.words!r}"
                    self.notes.append(note)
            result.append(Citation(url, spec.title, spec.quote, *(place or (0, None))))
        return replace(text, citations=tuple(result))

    def transcript(self, spec: TranscriptSpec) -> Transcript:
        """Return what a spec states of a transcript."""
        from mockllm.scenario.media_parts import transcript_of  # few rules have one

        return transcript_of(spec)

    def media(self, spec: ChoiceSpec | PartSpec) -> list[Part]:
        """Return the images, the audio and the video of a reply or a part."""
        if spec.images is None and spec.audio is None and spec.video is None:
            return []
        from mockllm.scenario.media_parts import audio_part, image_part, video_part  # few rules have media

        parts: list[Part] = [image_part(image, self.files, self.request) for image in spec.images or ()]
        if spec.audio is not None:
            parts.append(audio_part(spec.audio, self.files, self.request))
        if spec.video is not None:
            parts.append(video_part(spec.video, self.files, self.request))
        return parts

    def ordered_parts(self, specs: Sequence[PartSpec]) -> Iterator[Part]:
        """Yield the parts up to one that breaks the reply off."""
        for spec in specs:
            if spec.tool_calls is not None:
                yield from self.calls(spec.tool_calls, alone=len(specs) == 1)
            elif spec.images is not None or spec.audio is not None or spec.video is not None:
                yield from self.media(spec)
            elif spec.server_tools is not None:
                yield from server_tools(spec.server_tools)
            else:
                yield from self.with_citations([self.part(spec)], spec.citations)
            if self.failure is not None:
                return

    def part(self, spec: PartSpec) -> Part:
        if spec.thinking is not None:
            return self.thinking(spec.thinking)
        if spec.redacted_thinking is not None:
            return redacted(spec.redacted_thinking)
        if spec.refusal is not None:
            return Refusal(self.text(spec.refusal)[0])
        if spec.chunks is not None:
            return Text(self.script(spec.chunks), exact_chunks=True)
        if spec.text is not None:
            return Text(*self.text(spec.text))
        return self.json(spec.json_)

    def thinking(self, spec: ThinkingSpec) -> Thinking:
        return Thinking(self.text(spec.text)[0], spec.signature)

    def calls(self, specs: FromSchema | Sequence[ToolCallSpec] | None, *, alone: bool) -> list[Part]:
        if isinstance(specs, FromSchema):
            return self.offered_call(alone=alone)
        return [self.call(call) for call in specs or ()]

    def call(self, spec: ToolCallSpec) -> ToolCall:
        name, arguments = str(spec.name), spec.arguments
        if isinstance(arguments, FromSchema):
            tool = next((tool for tool in self.request.tools if tool.name == name), None)
            arguments = self.arguments(name, tool)
        text = arguments if isinstance(arguments, str) else dumps(arguments).decode()
        return ToolCall(name, self.chunks_of(text, of_call=True), spec.id)

    def arguments(self, name: str, tool: Tool | None) -> str:
        """Return generated arguments for a tool; none if the request does not offer the tool."""
        if tool is None:
            self.notes.append(f"no arguments are made for {name}: the request offers no such tool")
            return "{}"
        text, notes = generate_arguments(
            tool, self.draws(), self.max_generated, self.request, deferrable=self.deferrable
        )
        self.notes += notes
        return text

    def offered_call(self, *, alone: bool) -> list[Part]:
        """Return a call of the tool that the request lets the model call. Without such a tool, a reply that
        would be empty states the reason."""
        generated = self.generated_tool_call
        if generated is not None:
            self.require_short(len(generated.text))
            self.notes += generated.notes
            return [ToolCall(generated.tool, generated.chunks)]
        if isinstance(tool := choose_tool(self.request), str):
            self.notes.append(f"no tool is called: {tool}")
            return [Text(split_into_chunks(f"There is no tool to call: {tool}.", self.size))] if alone else []
        return [ToolCall(tool.name, self.chunks_of(self.arguments(tool.name, tool), of_call=True))]

    def json(self, value: object) -> Text:
        if isinstance(value, FromSchema):
            value, notes = generate_json(
                self.request, self.draws(), self.max_generated, deferrable=self.deferrable
            )
            self.notes += notes
        if isinstance(value, str) and self.request.response_format.bare:
            return Text(self.chunks_of(value))
        return Text(self.chunks_of(dumps(value).decode()))

    def draws(self) -> Callable[[], Random]:
        """Return what begins the draws of one generated value; each value has separate draws."""
        self.draw_count += 1
        return partial(self.randomness.random, DRAWS.format(self.draw_count))

    def text(self, spec: GeneratedText) -> tuple[tuple[str, ...], int | None]:
        """Return the chunks of a text, and its number of tokens if it is known."""
        if isinstance(spec, TokensText):
            self.require_short(spec.tokens)
            texts = filler_tokens(spec.tokens, spec.of)
            if self.size.unit == "tokens":
                count = self.size.count
                joined = tuple("".join(texts[start : start + count]) for start in range(0, len(texts), count))
                return (texts if count == 1 else joined), len(texts)
            return self.chunks_of("".join(texts)), len(texts)
        if isinstance(spec, SentencesText):
            self.draw_count += 1
            random = self.randomness.random(f"sentences {self.draw_count}")
            return self.chunks_of(filler_sentences(spec.sentences, random)), None
        if isinstance(spec, FileText):
            return self.chunks_of(self.files(spec.file).decode("utf-8", "replace")), None
        return self.chunks_of(str(spec)), None

    def chunks_of(self, text: str, *, of_call: bool = False) -> tuple[str, ...]:
        """Return the chunks of a text; those of a call's arguments may be one (`arguments_in_one_chunk`)."""
        self.require_short(len(text))
        in_one = of_call and self.arguments_in_one_chunk and text
        return (text,) if in_one else split_into_chunks(text, self.size)

    def require_short(self, characters: int) -> None:
        """Raise PlanningTooLong if a text has more characters than are rendered."""
        if characters > self.max_characters:
            raise PlanningTooLong

    @property
    def deferrable(self) -> bool:
        """Whether a value that takes long raises PlanningTooLong."""
        return self.max_characters < inf

    def script(self, chunks: Sequence[Chunk], *, has_whole_text: bool = False) -> tuple[ContentElement, ...]:
        """Return the chunks of a script. With `has_whole_text`, no error breaks off a non-streaming response."""
        texts: list[ContentElement] = []
        left_out = False
        for chunk in chunks:
            if isinstance(chunk, WaitChunk):
                texts.append(Pause(chunk.wait))
            elif isinstance(chunk, RawChunk):
                texts.append(Verbatim(chunk.raw.encode()))
                left_out = not self.streamed
            elif isinstance(chunk, CommentChunk):
                lines = chunk.comment.splitlines() or [""]
                texts.append(Verbatim("".join(f": {line}\n" for line in lines).encode() + b"\n"))
                left_out = not self.streamed
            elif isinstance(chunk, ErrorChunk):
                if self.streamed or not has_whole_text:
                    self.failure = failure_from_spec(chunk.error)
                break
            else:
                texts.append(str(chunk))
        if left_out:
            note = "raw bytes and comments are for streams: left out of the non-streaming response"
            self.notes.append(note)
        return tuple(texts)

    def usage(self, choices: Sequence[Choice], spec: UsageSpec | None) -> Usage:
        generated = self.generated_tool_call  # the reply has nothing else
        output = reasoning = 0
        for choice in choices:
            for part in choice.parts:
                tokens = part_tokens(part) if generated is None else generated.output_tokens
                output += tokens
                reasoning += tokens if type(part) is Thinking else 0
        if spec is None:
            return Usage(self.request.input_tokens, output, reasoning=reasoning)
        return Usage(
            self.request.input_tokens if spec.input_tokens is None else spec.input_tokens,
            output if spec.output_tokens is None else spec.output_tokens,
            spec.cached_tokens or 0,
            spec.cache_write_tokens or 0,
            reasoning if spec.reasoning_tokens is None else spec.reasoning_tokens,
        )
