// Sends a request of the journal again, as it was or edited, and shows what comes of it.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get } from "./api.ts";
import { notify, TextArea } from "./components.tsx";
import { bodyText, sentHeaders } from "./copy_as.ts";
import { log } from "./feed.ts";
import type { Detail, Summary } from "./models.ts";
import { go } from "./route.ts";

/** The page sends this in place of a key, which the journal does not store. */
const KEY = "replayed";

/** Sends the request, waits for the end of its response, and returns its id in the journal; null if it has none. */
async function send(detail: Detail, body: string | null): Promise<number | null> {
  const before = log.last;
  const response = await fetch(detail.path, { method: detail.method, headers: sentHeaders(detail, KEY), body, credentials: "omit" });
  await response.text().catch(() => ""); // a fault may cut it
  const { requests } = await get<{ requests: Summary[] }>(`/api/requests?after=${before}&limit=100`);
  log.add(requests);
  return requests.filter(({ method, path }) => method === detail.method && path === detail.path).at(-1)?.id ?? null;
}

export function Replay(props: { detail: Detail }): JSX.Element {
  const { detail } = props;
  const original = bodyText(detail);
  const [edited, setEdited] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const replay = async (body: string | null): Promise<void> => {
    setBusy(true);
    try {
      const id = await send(detail, body);
      if (id === null) notify("The server's provider calls are not at this address; copy the request as curl instead.", true);
      else {
        go("requests", id);
        notify(`Request ${detail.id} was sent again as request ${id}.`);
      }
    } catch {
      const { requests } = await get<{ requests: Summary[] }>(`/api/requests?limit=1`);
      const [last] = requests;
      notify(last ? "The connection broke before the response." : "The server does not respond.", true);
      if (last && last.path === detail.path) go("requests", last.id);
    } finally {
      setBusy(false);
    }
  };
  const open = (): void => setEdited(detail.request.body === null ? (original ?? "") : JSON.stringify(detail.request.body, null, 2));
  return (
    <>
      <button type="button" class="small" disabled={busy || !detail.request.whole || detail.request.base64 !== null} onClick={() => void replay(original)}>
        Replay
      </button>
      <button type="button" class="small" aria-expanded={edited !== null} disabled={original === null || detail.request.base64 !== null} onClick={() => (edited === null ? open() : setEdited(null))}>
        Edit and replay
      </button>
      {edited === null ? null : (
        <form
          class="replay"
          onSubmit={(event) => {
            event.preventDefault();
            void replay(edited);
          }}
        >
          <TextArea label="Body to send" value={edited} change={setEdited} rows={10} />
          <div class="actions">
            <button type="submit" class="primary" disabled={busy}>
              Send
            </button>
          </div>
        </form>
      )}
    </>
  );
}
