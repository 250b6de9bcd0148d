"""Handlers that show a rule with its text, preview changes of rules, and read and write scenario files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel

from mockllm.core.display import brief
from mockllm.core.redaction import Redactor
from mockllm.scenario.catalog import CatalogItem
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.rule_ids import split_id
from mockllm.server.control.api_types import ApiCall, ApiRoute
from mockllm.server.control.body_text import RULES, overlay_source
from mockllm.server.control.context import ControlContext
from mockllm.server.control.models.base import StaleFile
from mockllm.server.control.models.editing import (
    FileContent,
    FileErrors,
    FileSaved,
    FolderFile,
    FolderFiles,
    PreviewQuery,
    RuleDetail,
    RulePreview,
    WriteQuery,
)
from mockllm.server.control.models.rules import SessionQuery
from mockllm.server.control.problem import FieldProblem, Problem, diagnostics_problem, field_problems
from mockllm.server.control.rule_layers import layer_of
from mockllm.server.control.rule_preview import previewed
from mockllm.server.control.rule_texts import rule_text
from mockllm.server.engine_builder import Broken
from mockllm.server.overlay_store import OverlayRejected
from mockllm.server.reload import NotChanged
from mockllm.server.scenario_editor import FileConflict, FileVersion, NotEditable, ScenarioEditor

TEXT: Final = "the text of a scenario file"
CHECKED_TEXT: Final = f"any text; it is checked as {TEXT}"
CHECKED_RULES: Final = f"any text; it is checked as {RULES}"


async def show_rule(context: ControlContext, call: ApiCall[SessionQuery]) -> BaseModel:
    """One rule or modifier with its text: with a session, one of its overlay."""
    catalog, id, owner = context.engine.catalog, call.params["name"], call.query.session
    shown = None if owner is None else Redactor().session(owner)
    named = (number for number, item in enumerate(catalog.items) if item.id == id)
    found = next((each for each in named if shown in (None, layer_of(catalog.items[each])[1])), None)
    if found is None:
        place = "" if shown is None else f" of session {shown}"
        raise Problem(404, f"There is no rule {brief(id)}{place}; GET /api/rules lists their ids.")
    item = catalog.items[found]
    tries, responses = context.engine.state.totals(catalog.response_counts).get(item.key, (0, 0))
    layer, session = layer_of(item)
    path, _, line = item.file_and_line.rpartition(":")
    file, _ = split_id(item.id)
    return RuleDetail(
        id=item.id,
        kind="rule" if found < catalog.rule_count else "modifier",
        where=item.file_and_line,
        layer=layer,
        session=session,
        tries=tries,
        answers=responses,
        yaml=await _text(context, item, layer in ("overlay", "session"), session),
        file=context.editor.name_of(path) if context.editor is not None and layer == "user" else None,
        line=int(line),
        pack=file.partition("/")[0] if layer == "pack" else None,
    )


async def _text(context: ControlContext, item: CatalogItem, added: bool, session: str | None) -> str | None:
    """Return the text of a rule: of one of an overlay (`added`) as it is in use."""
    name = split_id(item.id)[1]
    if added:
        overlays = context.require_overlays()
        sessions = [id for id in overlays.sessions if Redactor().session(id) == session]
        return await asyncio.to_thread(overlays.item_text, name, sessions[0] if sessions else None)
    return await asyncio.to_thread(rule_text, item.file_and_line, item.id)


async def preview_rules(context: ControlContext, call: ApiCall[PreviewQuery]) -> BaseModel:
    """The last requests that changed rules would select or change; nothing changes."""
    overlays, query = context.require_overlays(), call.query
    try:
        source = await asyncio.to_thread(overlay_source, call.raw)
        catalog, changed = await overlays.preview(source, query.session, query.name)
    except OverlayRejected as rejected:
        return _refused(field_problems(rejected.diagnostics))
    except Broken as broken:
        return _refused(field_problems(broken.diagnostics))
    except Problem as problem:
        return _refused(problem.body.errors or [FieldProblem(field="", message=problem.body.detail)])
    checked, requests = await previewed(catalog, set(changed), context.journal, context.engine, query.limit)
    return RulePreview(errors=[], changed=list(changed), checked=checked, requests=requests)


def _refused(errors: list[FieldProblem]) -> RulePreview:
    return RulePreview(errors=errors, changed=[], checked=0, requests=[])


# --- files -------------------------------------------------------------------------------------------


async def list_files(context: ControlContext, call: ApiCall) -> BaseModel:
    """The files of the scenario folder."""
    editor = context.require_editor()
    files = await asyncio.to_thread(_versions, editor)
    listed = [FolderFile(name=file.name, digest=file.digest) for file in files]
    return FolderFiles(folder=editor.folder, writable=editor.writable, files=listed)


def _versions(editor: ScenarioEditor) -> list[FileVersion]:
    found = []
    for name in editor.names():
        try:
            version = editor.read(name)
        except NotEditable:
            continue
        if version is not None:
            found.append(version)
    return found


async def show_file(context: ControlContext, call: ApiCall) -> BaseModel:
    """One file of the scenario folder."""
    editor, name = context.require_editor(), call.params["file"]
    version = await asyncio.to_thread(_read, editor, name)
    if version is None:
        raise Problem(404, f"The scenario folder has no file {brief(name)}.")
    return FileContent(
        name=name,
        digest=version.digest,
        text=version.content.decode("utf-8", "replace"),
        writable=editor.writable,
    )


def _read(editor: ScenarioEditor, name: str) -> FileVersion | None:
    try:
        return editor.read(name)
    except NotEditable as error:
        raise Problem(403, f"{error}.") from None


async def check_file(context: ControlContext, call: ApiCall) -> BaseModel:
    """The errors of a file's text; nothing is written."""
    found = await asyncio.to_thread(_check, context.require_editor(), call.params["file"], call.raw)
    return FileErrors(errors=field_problems(found))


def _check(editor: ScenarioEditor, name: str, raw: bytes) -> Iterable[Diagnostic]:
    try:
        return editor.diagnostics(name, raw)
    except NotEditable as error:
        raise Problem(403, f"{error}.") from None


async def put_file(context: ControlContext, call: ApiCall[WriteQuery]) -> BaseModel:
    """Write a file of the scenario folder, if its content is still the one that was read."""
    editor, name = context.require_editor(), call.params["file"]
    if not editor.writable:
        raise Problem(403, "This server does not write files: start it with --edit.")
    diagnostics = list(await asyncio.to_thread(_check, editor, name, call.raw))
    if diagnostics:
        raise diagnostics_problem(diagnostics)
    try:
        written = await asyncio.to_thread(editor.write, name, call.raw, call.query.digest)
    except NotEditable as error:
        raise Problem(403, f"{error}.") from None
    except FileConflict as conflict:
        raise Problem(409, _conflict(name, call.query.digest, conflict)) from None
    if context.reload is not None:
        try:
            await context.reload()
        except NotChanged as reason:
            raise Problem(503, f"{name} was written, but the rules were not changed: {reason}.") from None
    stale = context.engine.info().stale
    listed = [StaleFile(file=file.file, reason=file.reason, left_out=not file.in_use) for file in stale]
    return FileSaved(name=name, digest=written.digest, loaded=context.reload is not None, stale=listed)


def _conflict(name: str, sent: str, conflict: FileConflict) -> str:
    """Return why a file was not written, and how to write it."""
    present = f"GET /api/files/{quote(name, safe='')} returns the digest of its content"
    if not sent:
        return f"{name} exists already; nothing was written. {present}: PUT it with ?digest=DIGEST to replace it."
    if conflict.digest:
        return f"{name} has changed since it was read; nothing was written. {present}."
    return f"{name} does not exist any more; nothing was written. PUT it without ?digest to write a new file."


ROUTES: Final = (
    ApiRoute("POST", "/api/rules/preview", preview_rules, RulePreview, query=PreviewQuery, raw=CHECKED_RULES),
    ApiRoute("GET", "/api/rules/{name}", show_rule, RuleDetail, query=SessionQuery),
    ApiRoute("GET", "/api/files", list_files, FolderFiles),
    ApiRoute("GET", "/api/files/{file}", show_file, FileContent),
    ApiRoute("PUT", "/api/files/{file}", put_file, FileSaved, query=WriteQuery, raw=TEXT),
    ApiRoute("POST", "/api/files/{file}/check", check_file, FileErrors, raw=CHECKED_TEXT),
)
