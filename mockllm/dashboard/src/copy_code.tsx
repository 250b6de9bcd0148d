// Copies a request as a Python program, which the server writes: it knows the providers' SDKs.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get } from "./api.ts";
import { attempt, copyText } from "./components.tsx";
import { useProviderOrigin } from "./feed.ts";

export function CopyCode(props: { id: number; disabled: boolean }): JSX.Element {
  const origin = useProviderOrigin();
  const [done, setDone] = useState(false);
  const copy = (): void => {
    void attempt(async () => {
      const { python } = await get<{ python: string }>(`/api/requests/${props.id}/code?origin=${encodeURIComponent(origin)}`);
      await copyText(python);
      setDone(true);
      window.setTimeout(() => setDone(false), 1500);
    });
  };
  return (
    <button type="button" class="small" disabled={props.disabled} onClick={copy}>
      {done ? "Copied" : "Copy as Python"}
    </button>
  );
}
