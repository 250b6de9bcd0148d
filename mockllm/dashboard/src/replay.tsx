// Sends a request of the journal again, as it was or edited, to this server or another one, and shows what comes of it.

import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { call, get, maybe, Problem } from "./api.ts";
import { response as sentResponse, pretty } from "./compare.tsx";
import { clearProblem, Field, notify, TextArea } from "./components.tsx";
import { bodyText, sentHeaders, unrepeatable } from "./copy_as.ts";
import { DiffView } from "./diff_view.tsx";
import { log, useProviderOrigin } from "./feed.ts";
import { duration } from "./format.ts";
import type { Detail, Elsewhere, Summary } from "./models.ts";
import { go } from "./route.ts";
import { isKeptByBrowsers } from "./sent_path.ts";

/** The page sends this in place of a key, which the journal does not store. */
const KEY = "replayed";

interface ReplayResult {
  /** The id in the journal; null if it has none. */
  id: number | null;
  /** A response began. */
  responded: boolean;
}

const PAGE_SIZE = 1000;

/** Sends the request to the provider routes, and waits for the end of its response. */
async function send(origin: string, detail: Detail, body: string | null): Promise<ReplayResult> {
  const before = log.last;
  const mark = `${location.origin}${location.pathname}?replay=${Math.floor(Math.random() * 1e9)}`;
  let responded = true;
  try {
    const response = await fetch(origin + detail.path, {
      method: detail.method, headers: sentHeaders(detail, KEY), body: body || null, credentials: "omit", referrer: mark, referrerPolicy: "unsafe-url",
    });
    await response.text().catch(() => ""); // a fault may cut it
  } catch {
    responded = false;
  }
  return { id: await findMarked(detail, before, mark), responded };
}

/** Returns the id of the request with this referrer: other clients may send the same path at the same time. */
async function findMarked(detail: Detail, before: number, mark: string): Promise<number | null> {
  const candidates: number[] = [];
  for (let after = before, count = PAGE_SIZE; count === PAGE_SIZE; ) {
    const { requests } = await get<{ requests: Summary[] }>(`/api/requests?after=${after}&limit=${PAGE_SIZE}`);
    log.add(requests);
    candidates.push(...requests.filter(({ method, path }) => method === detail.method && path === detail.path).map(({ id }) => id));
    count = requests.length;
    after = requests.at(-1)?.id ?? after;
  }
  for (const id of candidates.reverse()) { // it has just ended
    const sent = await maybe<Detail>(`/api/requests/${id}`);
    if (sent?.request.headers.some(({ name, value }) => name.toLowerCase() === "referer" && value === mark)) return id;
  }
  return null;
}

export function Replay(props: { detail: Detail }): JSX.Element {
  const { detail } = props;
  const origin = useProviderOrigin();
  const original = bodyText(detail);
  const { text } = detail.request;
  const offered = text ?? pretty(original ?? "");
  const sendable = unrepeatable(detail) === null && detail.request.base64 === null; // the page has no such bytes
  const [edited, setEdited] = useState<string | null>(null);
  const [server, setServer] = useState("");
  const [key, setKey] = useState("");
  const [elsewhere, setElsewhere] = useState<Elsewhere | null>(null);
  const [busy, setBusy] = useState(false);
  const replay = async (body: string | null): Promise<void> => {
    if (!isKeptByBrowsers(detail.path)) {
      notify("A browser would resolve this path to another one; copy the request as curl instead.", true);
      return;
    }
    setBusy(true);
    try {
      const { id, responded } = await send(origin, detail, body);
      if (id !== null) go("requests", id);
      if (responded && id !== null) notify(`Request ${detail.id} was sent again as request ${id}.`);
      else if (responded) notify("The journal does not have the request that was sent again.", true);
      else if (id !== null) notify("The connection broke before the response.", true);
      else notify(`The request did not get through to ${origin}; copy it as curl instead.`, true);
    } catch (problem) {
      notify(problem instanceof Problem ? problem.message : String(problem), true);
    } finally {
      setBusy(false);
    }
  };
  const sendElsewhere = async (body: string): Promise<void> => {
    setBusy(true);
    try {
      const changed = body !== offered;
      setElsewhere(await call<Elsewhere>("POST", `/api/requests/${detail.id}/send`, { server: server.trim(), ...(changed ? { body } : {}), ...(key ? { key } : {}) }));
      clearProblem();
    } catch (problem) {
      notify(problem instanceof Problem ? problem.message : String(problem), true);
    } finally {
      setBusy(false);
    }
  };
  const open = (): void => setEdited(offered);
  return (
    <>
      <button type="button" class="small" disabled={busy || !detail.request.whole || !sendable} onClick={() => void replay(original)}>
        Replay
      </button>
      <button type="button" class="small" aria-expanded={edited !== null} disabled={!sendable} onClick={() => (edited === null ? open() : setEdited(null))}>
        Edit and replay
      </button>
      {edited === null ? null : (
        <form
          class="replay"
          onSubmit={(event) => {
            event.preventDefault();
            void (server.trim() ? sendElsewhere(edited) : replay(edited));
          }}
        >
          <TextArea label="Body to send" value={edited} change={setEdited} rows={10} />
          <div class="fields">
            <Field label="Server" value={server} change={setServer} placeholder="this one" hint="such as http://localhost:9000; other hosts with --proxy-allow" />
            {server.trim() ? <KeyField value={key} change={setKey} /> : null}
          </div>
          <div class="actions">
            <button type="submit" class="primary" disabled={busy}>
              Send
            </button>
          </div>
          {elsewhere ? <ElsewhereResponse detail={detail} sent={elsewhere} /> : null}
        </form>
      )}
    </>
  );
}

function KeyField(props: { value: string; change: (value: string) => void }): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>API key</label>
      <input id={id} type="password" value={props.value} placeholder="none" autocomplete="off" aria-describedby={`${id}-hint`} onInput={(event) => props.change(event.currentTarget.value)} />
      <p id={`${id}-hint`} class="hint">
        used once, not stored
      </p>
    </div>
  );
}

function ElsewhereResponse(props: { detail: Detail; sent: Elsewhere }): JSX.Element {
  const { detail, sent } = props;
  return (
    <section aria-label="Response of the other server">
      <p role="status">
        <strong>{sent.status}</strong> from {sent.url} in {duration(sent.took)}
        {sent.whole ? "" : "; the body was too large to be shown completely"}
      </p>
      <p class="hint">The response of request {detail.id} (−) and this one (+)</p>
      <DiffView before={`${detail.status}\n${sentResponse(detail)}`} after={`${sent.status}\n${pretty(sent.text ?? sent.base64 ?? "")}`} label="Responses of both servers" />
    </section>
  );
}
