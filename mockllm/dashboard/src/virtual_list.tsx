// A long list that draws only its visible rows; the keyboard selects a row.

import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

const MARGIN_ROWS = 6;

interface Props<T> {
  label: string;
  rows: T[];
  id: (row: T) => number | string;
  height: number;
  chosen: number | string | null;
  choose: (row: T) => void;
  show: (row: T) => ComponentChildren;
  tone?: (row: T) => string;
  empty: ComponentChildren;
  /** Called when a mouse enters or leaves the rows: the list pauses meanwhile. */
  over?: (inside: boolean) => void;
  /** Only as high as its rows, if they are few. */
  fit?: boolean;
}

export function VirtualList<T>(props: Props<T>): JSX.Element {
  const { rows, height } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [room, setRoom] = useState(600);
  const first = useRef<number | string | null>(null);

  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => setRoom(box.current?.clientHeight ?? 600));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);

  // new rows appear on top: a scrolled list continues to show the same rows
  useLayoutEffect(() => {
    const element = box.current!;
    const before = first.current;
    first.current = rows.length ? props.id(rows[0]!) : null;
    if (before === null || element.scrollTop === 0 || before === first.current) return;
    const moved = rows.findIndex((row) => props.id(row) === before);
    if (moved > 0) element.scrollTop += moved * height;
  }, [rows]);

  const from = Math.max(0, Math.floor(top / height) - MARGIN_ROWS);
  const to = Math.min(rows.length, Math.ceil((top + room) / height) + MARGIN_ROWS);
  const index = props.chosen === null ? -1 : rows.findIndex((row) => props.id(row) === props.chosen);

  const now = useRef(index); // a second key press may come before the page is drawn
  now.current = index;

  const go = (position: number): void => {
    const target = Math.max(0, Math.min(rows.length - 1, position));
    const row = rows[target];
    if (row === undefined) return;
    now.current = target;
    props.choose(row);
    const at = target * height;
    const element = box.current!;
    if (at < element.scrollTop) element.scrollTop = at;
    else if (at + height > element.scrollTop + element.clientHeight) element.scrollTop = at + height - element.clientHeight;
  };
  const press = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(room / height) - 1);
    const target = {
      ArrowDown: now.current + 1, ArrowUp: now.current - 1, PageDown: now.current + page, PageUp: now.current - page,
      Home: 0, End: rows.length - 1,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    go(target);
  };

  const drawn: JSX.Element[] = [];
  for (let number = from; number < to; number++) {
    const row = rows[number]!;
    const id = props.id(row);
    drawn.push(
      <div
        key={id}
        id={`row-${id}`}
        role="option"
        aria-selected={id === props.chosen}
        aria-posinset={number + 1}
        aria-setsize={rows.length}
        class={`row ${props.tone?.(row) ?? ""}`}
        style={{ transform: `translateY(${number * height}px)`, height: `${height}px` }}
        onClick={() => props.choose(row)}
      >
        {props.show(row)}
      </div>,
    );
  }
  return (
    <div
      class="rows"
      ref={box}
      role={rows.length ? "listbox" : "group"} // a list box without options is a barrier
      tabIndex={0}
      aria-label={props.label}
      style={props.fit && rows.length ? { height: `${rows.length * height}px` } : {}}
      aria-activedescendant={index >= from && index < to ? `row-${props.chosen}` : undefined}
      onKeyDown={press}
      onPointerEnter={(event) => event.pointerType === "mouse" && props.over?.(true)}
      onPointerLeave={() => props.over?.(false)}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      {rows.length ? <div style={{ height: `${rows.length * height}px` }}>{drawn}</div> : props.empty}
    </div>
  );
}
