// The events of a stream on a time axis: when each was planned and when it was sent, with the faults marked.

import type { JSX } from "preact";
import { duration, plural } from "./format.ts";
import type { TimedEvent } from "./models.ts";

const WIDTH = 1000;
const SHOWN = 200;

function isFault(event: TimedEvent): boolean {
  return event.fault !== null || event.kind === "cut" || event.kind === "raw" || event.kind === "error";
}

export function StreamAxis(props: { events: TimedEvent[]; faults: string[] }): JSX.Element | null {
  const { events } = props;
  if (events.length < 2) return null;
  const end = Math.max(0.001, ...events.map((event) => Math.max(event.planned, event.at ?? 0)));
  const x = (at: number): number => 6 + (at / end) * (WIDTH - 12);
  const sent = events.filter((event) => event.at !== null);
  const last = Math.max(0, ...sent.map((event) => event.at!));
  const late = Math.max(0, ...sent.map((event) => event.at! - event.planned));
  const faulty = props.faults.length ? props.faults : [...new Set(events.filter(isFault).map((event) => event.fault ?? event.kind))];
  const label = `${plural(sent.length, "event")} sent in ${duration(last)}, at most ${duration(late)} after the plan${events.length > sent.length ? `; ${events.length - sent.length} not sent` : ""}${faulty.length ? `; faults: ${faulty.join(", ")}` : ""}`;
  return (
    <section class="part">
      <h3>Events over time</h3>
      <svg class="axis" viewBox={`0 0 ${WIDTH} 62`} preserveAspectRatio="none" role="img" aria-label={label}>
        <line x1="0" y1="31" x2={WIDTH} y2="31" class="axis-line" />
        {events.slice(0, 1000).map((event) => (
          <>
            <line x1={x(event.planned)} x2={x(event.planned)} y1="4" y2="27" class={event.at === null ? "planned unsent" : "planned"} />
            {event.at === null ? null : (
              <line x1={x(event.at)} x2={x(event.at)} y1="35" y2="58" class={isFault(event) ? "sent fault" : `sent ${event.kind}`}>
                <title>{`${duration(event.at)} ${[event.kind, event.fault].filter(Boolean).join(", ")}: ${event.text.slice(0, 120)}`}</title>
              </line>
            )}
          </>
        ))}
      </svg>
      <p class="axis-legend hint">
        <span>above: as planned</span> <span>below: as sent</span> <span>{duration(end)}</span>
      </p>
      <p class="hint">{label}.</p>
      <details>
        <summary>{plural(events.length, "event")}</summary>
        <ol class="events" tabIndex={0} aria-label="Events with their times">
          {events.slice(0, SHOWN).map((event) => (
            <li class={isFault(event) ? "fault" : ""}>
              <span class="at">{event.at === null ? "not sent" : duration(event.at)}</span>
              <span class="at">{duration(event.planned)}</span>
              <span>{isFault(event) ? <span class="tag bad">{event.kind}</span> : event.kind} {event.fault && event.fault !== event.text ? <span class="tag bad">{event.fault}</span> : null}</span>
              <code>{event.text}</code>
            </li>
          ))}
        </ol>
        {events.length > SHOWN ? <p class="hint">and {events.length - SHOWN} more</p> : null}
      </details>
    </section>
  );
}
