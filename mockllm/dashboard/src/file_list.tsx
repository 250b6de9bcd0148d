// The files of the scenario folder.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Empty, Field } from "./components.tsx";
import { address, show } from "./route.ts";
import { useFiles } from "./scenario_files.ts";
import { Pane } from "./pane.tsx";

export function FileList(): JSX.Element {
  const files = useFiles();
  const [name, setName] = useState("");
  return (
    <Pane title="Scenario files">
      {files ? (
        <>
          <p class="hint">
            In <code>{files.folder}</code>
            {files.writable ? "." : "; to edit them here, start the server with --edit."}
          </p>
          {files.files.length ? (
            <ul class="items">
              {files.files.map((file) => (
                <li key={file.name}>
                  <a href={address("rules", ["file", file.name])}>{file.name}</a>
                </li>
              ))}
            </ul>
          ) : (
            <Empty title="The folder has no scenario file." />
          )}
          {files.writable ? (
            <form
              class="actions"
              onSubmit={(event) => {
                event.preventDefault();
                if (name.trim()) show(address("rules", ["file", /\.ya?ml$/.test(name) ? name.trim() : `${name.trim()}.yaml`]));
              }}
            >
              <Field label="New file" value={name} change={setName} placeholder="more.yaml" />
              <button type="submit">Create</button>
            </form>
          ) : null}
        </>
      ) : (
        <p class="quiet">Loading …</p>
      )}
    </Pane>
  );
}
