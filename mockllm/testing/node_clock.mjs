// Scales the clocks of a Node process: `node --import`, handed out by `mockllm exec --time-scale FACTOR`.
//
// Timers run at the factor, and dates and `performance.now` show the time that has passed for the scenario. Requests to
// the mock server say so by a header, so that the server states its waits in the scenario's time.
import { subscribe } from "node:diagnostics_channel";
import http from "node:http";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import timersPromises from "node:timers/promises";
import { promisify } from "node:util";

const factor = Number(process.env.MOCKLLM_TIME_SCALE);
const server = process.env.MOCKLLM_BASE_URL;
const HEADER = "x-mockllm-clock";

function scaleTimers() {
  const { setTimeout: wait, setInterval: repeat } = timers;
  const { setTimeout: waitPromise, setInterval: repeatPromise } = timersPromises;
  const scaled = (ms) => (ms === undefined ? ms : Number(ms) * factor);
  const own = {
    setTimeout: (run, ms, ...rest) => wait(run, scaled(ms), ...rest),
    setInterval: (run, ms, ...rest) => repeat(run, scaled(ms), ...rest),
  };
  timersPromises.setTimeout = (ms, ...rest) => waitPromise(scaled(ms), ...rest);
  timersPromises.setInterval = (ms, ...rest) => repeatPromise(scaled(ms), ...rest);
  if (timersPromises.scheduler) timersPromises.scheduler.wait = (ms, options) => waitPromise(scaled(ms), undefined, options);
  Object.defineProperty(own.setTimeout, promisify.custom, { value: timersPromises.setTimeout });
  Object.assign(timers, own);
  Object.assign(globalThis, own);
  const abortAfter = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (ms) => abortAfter(Math.ceil(scaled(ms)));
}

function scaleClocks() {
  const RealDate = Date;
  const [beganAt, beganTicks] = [RealDate.now(), performance.now()];
  const ticks = performance.now.bind(performance);
  const hrtime = process.hrtime.bigint.bind(process.hrtime);
  const beganNanoseconds = hrtime();
  const now = () => Math.floor(beganAt + (RealDate.now() - beganAt) / factor);
  globalThis.Date = class Date extends RealDate {
    constructor(...parts) {
      super(...(parts.length ? parts : [now()]));
    }
    static now() {
      return now();
    }
  };
  performance.now = () => beganTicks + (ticks() - beganTicks) / factor;
  const nanoseconds = () => beganNanoseconds + BigInt(Math.round(Number(hrtime() - beganNanoseconds) / factor));
  process.hrtime = Object.assign(
    (before) => {
      const all = nanoseconds() - (before ? BigInt(before[0]) * 1_000_000_000n + BigInt(before[1]) : 0n);
      return [Number(all / 1_000_000_000n), Number(all % 1_000_000_000n)];
    },
    { bigint: nanoseconds },
  );
}

function markRequests() {
  const { host } = new URL(server);
  subscribe("undici:request:create", ({ request }) => {
    if (new URL(request.origin).host === host) request.addHeader(HEADER, "scenario");
  });
  const { request } = http;
  const marked = (made) => {
    if (made.getHeader("host") === host && !made.headersSent) made.setHeader(HEADER, "scenario");
    return made;
  };
  http.request = (...parts) => marked(request(...parts));
  http.get = (...parts) => {
    const made = marked(request(...parts));
    made.end();
    return made;
  };
}

if (factor > 0 && factor !== 1 && server) {
  scaleTimers();
  scaleClocks();
  markRequests();
  syncBuiltinESMExports();
}
