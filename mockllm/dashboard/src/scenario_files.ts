// The files of the scenario folder.

import { useEffect, useState } from "preact/hooks";
import { get } from "./api.ts";
import { changes } from "./feed.ts";
import type { FileListing } from "./models.ts";
import { useObservable } from "./observable.ts";

/** Returns the files, loaded again after each change; null before the first response. */
export function useFiles(): FileListing | null {
  const [files, setFiles] = useState<FileListing | null>(null);
  const changed = useObservable(changes);
  useEffect(() => {
    let mounted = true;
    get<FileListing>("/api/files").then((found) => mounted && setFiles(found), () => undefined);
    return () => void (mounted = false);
  }, [changed]);
  return files;
}
