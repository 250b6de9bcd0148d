// The frame of what is beside the list of rules.

import type { ComponentChildren, JSX } from "preact";
import { address, show } from "./route.ts";

export function closePane(): void {
  show(address("rules"));
  document.querySelector<HTMLElement>("#view-rules [role=listbox]")?.focus();
}

export function Pane(props: { title: string; tags?: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return (
    <aside class="detail" aria-label={props.title}>
      <header class="detail-head">
        <h2>
          {props.title} {props.tags}
        </h2>
        <button type="button" class="small" onClick={closePane}>
          Close
        </button>
      </header>
      {props.children}
    </aside>
  );
}
