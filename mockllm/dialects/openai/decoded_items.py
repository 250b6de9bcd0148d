"""Decodes what OpenAI's protocols have beside texts and calls: the citations of a text, and searches of the web."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects, text_of, texts
from mockllm.dialects.decoded_response import DecodedCitation, DecodedServerTool, ResponseDecoder


def read_annotations(annotations: Json, decoder: ResponseDecoder, before: int = 0) -> None:
    """Read the annotations of a text; `before`: the length of the texts before it. Chat completions have the members
    of a citation in an object of their own."""
    for annotation in objects(annotations):
        match annotation.get("url_citation", annotation):
            case {"url": str(url), **fields} if annotation.get("type") == "url_citation":
                start, end = fields.get("start_index"), fields.get("end_index")
                first = before + (start if type(start) is int else 0)
                last = before + end if type(end) is int else None
                citation = DecodedCitation(url, text_of(fields.get("title")), first, last)
                decoder.citations += (citation,)
            case _:
                decoder.left_out[str(annotation.get("type"))] = None


def read_search(item: dict[str, Json], decoder: ResponseDecoder) -> None:
    """Read a complete search of the web: what was searched for, or the page that was opened."""
    action = object_of(item.get("action"))
    if action.get("type") in ("open_page", "find_in_page"):
        words: dict[str, Json] = {"open": text_of(action.get("url")) or ""}
        pattern = text_of(action.get("pattern"))
        if action["type"] == "find_in_page" and pattern is not None:
            words["find"] = pattern
    else:
        queries = list(texts(action.get("queries")))
        query = text_of(action.get("query")) or next(iter(queries), "")
        words = {"query": query, "sources": _sources(action.get("sources"))}
        if any(further != query for further in queries):
            decoder.left_out["a second query of web_search_call"] = None
    if item.get("status") == "failed":
        words["error"] = "unavailable"
    decoder.server_tools += (DecodedServerTool("web_search", words),)


def _sources(sources: Json) -> list[Json]:
    return [{"url": source["url"]} for source in objects(sources) if type(source.get("url")) is str]
