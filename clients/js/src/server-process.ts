import { type ChildProcess, spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { checkOptions } from "./checked-values.js";

/** How a server is started. */
export interface ServerOptions {
  /** Scenario files and folders, relative to the working directory. */
  scenarios?: string | string[];
  /** Packs by name, such as `default`. Without packs and scenarios only the rules of the tests respond. */
  packs?: string | string[];
  /** Parameters of packs. */
  params?: Record<string, string | number | boolean>;
  /** Seed of random draws and ids. */
  seed?: number;
  /** Further arguments of `mockllm serve`. */
  args?: string[];
  /** The command of the server, if it is none of those that are tried: `["python", "-m", "mockllm"]`. */
  command?: string[];
  /** Milliseconds until the server must be ready (default 60,000: the first start of uvx or a container downloads). */
  timeout?: number;
}

/** A running server of our own. */
export interface RunningServer {
  url: string;
  /** How it runs: the command line. */
  command: string;
  stop(): Promise<void>;
}

const OPTIONS: readonly (keyof ServerOptions)[] = ["scenarios", "packs", "params", "seed", "args", "command", "timeout"];
const PACKAGE = "mockllm-scenarios";
const IMAGE = "mockllm";
const READY = /listening on (http:\/\/[^\s,]+)/;
const STOP_TIME = 5_000;
/** The options alone choose what is served. */
const NO_SOURCES = { MOCKLLM_SCENARIOS: "", MOCKLLM_PACK: "" };

const here = process.cwd();
const MOUNTS = [here, tmpdir()].flatMap((folder) => ["--volume", `${folder}:${folder}:ro`]);
const CONTAINER = ["run", "--interactive", "--rm", "--network", "host", ...MOUNTS, "--workdir", here, IMAGE];

/** The ways to run `mockllm`, in the order in which they are tried: a program that must exist, and its arguments. */
export const WAYS: readonly (readonly string[])[] = [
  ["mockllm"],
  ["uvx", "--from", PACKAGE, "mockllm"],
  ["pipx", "run", "--spec", PACKAGE, "mockllm"],
  ["docker", ...CONTAINER],
  ["podman", ...CONTAINER],
];

/** Returns the first way whose program is on the path, with the program's file, so that a user sees which. Throws an error that names all of them. */
export async function findCommand(path: string = process.env["PATH"] ?? ""): Promise<readonly string[]> {
  for (const way of WAYS) {
    const program = await onPath(way[0]!, path);
    if (program !== undefined) return [program, ...way.slice(1)];
  }
  const tried = WAYS.map((way) => way[0]).join(", ");
  throw new Error(`no mockllm found: none of ${tried} is on the path; pip install ${PACKAGE}, or set options.command`);
}

async function onPath(program: string, path: string): Promise<string | undefined> {
  const suffixes = process.platform === "win32" ? [".exe", ".cmd", ""] : [""];
  for (const folder of path.split(delimiter).filter(Boolean)) {
    for (const suffix of suffixes) {
      try {
        const file = join(folder, program + suffix);
        await access(file, constants.X_OK);
        return file;
      } catch {
        // not in this folder
      }
    }
  }
  return undefined;
}

const list = (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat());

function serveArguments(options: ServerOptions): string[] {
  const packs = list(options.packs);
  return [
    ...["serve", "--port", "0", "--host", "127.0.0.1", "--until-stdin-closes", "--no-default"],
    ...list(options.scenarios).flatMap((path) => ["--scenarios", path]),
    ...(packs.length > 0 ? ["--pack", packs.join(",")] : []),
    ...Object.entries(options.params ?? {}).flatMap(([name, value]) => ["--set", `${name}=${value}`]),
    ...(options.seed === undefined ? [] : ["--seed", String(options.seed)]),
    ...(options.args ?? []),
  ];
}

/** Starts a server on a free port and waits until it listens. Throws what it printed if it ends before. */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  checkOptions(options, OPTIONS);
  const [program, ...prefix] = options.command ?? (await findCommand());
  if (program === undefined) throw new Error("options.command is empty");
  const args = [...prefix, ...serveArguments(options)];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...NO_SOURCES } });
  const command = [program, ...args].join(" ");
  const url = await ready(child, command, options.timeout ?? 60_000);
  child.unref(); // a test runner may end while the server runs; the end of its input then stops the server
  (child.stdin as { unref?(): void } | null)?.unref?.();
  const end = () => void child.kill();
  process.once("exit", end);
  return {
    url,
    command,
    async stop() {
      process.removeListener("exit", end);
      await stopped(child);
    },
  };
}

function ready(child: ChildProcess, command: string, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill();
      reject(new Error(`the mockllm server did not start: ${why}\n${command}\n${printed.trim()}`));
    };
    const timer = setTimeout(() => fail(`not ready after ${timeout} ms`), timeout);
    const read = (data: Buffer) => {
      if (printed.length < 65_536) printed += data.toString();
      const url = READY.exec(printed)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url.replace("localhost", "127.0.0.1"));
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    for (const stream of [child.stdout, child.stderr]) (stream as { unref?(): void } | null)?.unref?.();
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`it ended with ${signal ?? `exit code ${code}`}`));
  });
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIME);
  await ended;
  clearTimeout(timer);
}
