// uPlot in the page's colours: made anew when these change, else only given new data.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import { useCell } from "./cells.ts";
import { theme } from "./theme.ts";

export interface Line {
  label: string;
  /** A custom property of the style sheet, such as `--chart-1`. */
  colour: string;
  fill?: boolean;
  bars?: boolean;
  value: (value: number) => string;
}

export interface Mark {
  at: number;
  label: string;
}

interface Props {
  label: string;
  lines: Line[];
  data: uPlot.AlignedData;
  height?: number;
  /** The words at the x axis; times of the day where there are none. */
  names?: (value: number) => string;
  /** Whole numbers only at the y axis. */
  whole?: boolean;
  marks?: Mark[];
  still?: boolean;
}

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const ROW = 14;
/** The height of a mark's label: they stand one below the other over the plot, where no bar is. */

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5];

function options(props: Props, width: number, marks: () => Mark[]): uPlot.Options {
  const grid = colour("--line");
  const quiet = colour("--quiet");
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis: uPlot.Axis = { stroke: quiet, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  const named = props.names;
  const times = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false } as const;
  return {
    width,
    height: props.height ?? 180,
    padding: [props.marks ? ROW * 3 + 8 : 10, 30, 0, 0],
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: {
      x: named ? { time: false, range: (_, low, high) => [low - 0.7, high + 0.7] } : { time: true },
      y: { range: (_, _low, high) => [0, Math.max(high * 1.12, 1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: 70,
        values: (_, splits) =>
          splits.map((split) => (named ? named(split) : new Date(split * 1000).toLocaleTimeString("en-GB", times))),
      },
      { ...axis, size: 52, space: 34, ...(props.whole ? { incrs: STEPS } : {}), values: (_, splits) => splits.map((split) => props.lines[0]!.value(split)) },
    ],
    series: [
      {},
      ...props.lines.map((line): uPlot.Series => ({
        label: line.label,
        stroke: colour(line.colour),
        width: line.bars ? 0 : 1.6,
        points: { show: false },
        ...(line.fill ? { fill: `${colour(line.colour)}26` } : {}),
        ...(line.bars ? { fill: colour(line.colour), paths: uPlot.paths.bars!({ size: [0.86, 60], radius: 0.15 }) } : {}),
      })),
    ],
    hooks: {
      draw: [
        (plot) => {
          const context = plot.ctx;
          const ratio = devicePixelRatio || 1;
          context.save();
          context.font = `${11 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
          context.fillStyle = colour("--text");
          context.strokeStyle = colour("--text");
          context.setLineDash([3 * ratio, 3 * ratio]);
          marks().forEach((mark, number) => {
            const x = Math.round(plot.valToPos(mark.at, "x", true));
            const line = ROW * (marks().length - number) * ratio;
            context.beginPath();
            context.moveTo(x, line - 8 * ratio);
            context.lineTo(x, plot.bbox.top + plot.bbox.height);
            context.stroke();
            const width = context.measureText(mark.label).width;
            const left = x - width - 6 * ratio > 0; // where the lines of those before it do not reach up
            context.textAlign = left ? "right" : "left";
            context.fillText(mark.label, x + (left ? -4 : 4) * ratio, line);
          });
          context.restore();
        },
      ],
    },
  };
}

export function Chart(props: Props): preact.JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const told = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const look = useCell(theme);
  const shape = props.lines.map((line) => line.label + line.colour).join();

  useEffect(() => {
    const box = place.current!;
    const made = new uPlot(options(latest.current, box.clientWidth, () => latest.current.marks ?? []), latest.current.data, box);
    plot.current = made;
    const say = (): void => {
      const index = made.cursor.idx;
      const tip = told.current!;
      if (index === null || index === undefined) {
        tip.textContent = "";
        return;
      }
      const { lines, names, data } = latest.current;
      const x = data[0][index] ?? 0;
      const head = names ? names(x) : new Date(x * 1000).toLocaleTimeString("en-GB");
      const rest = lines.map((line, number) => `${line.label} ${line.value(data[number + 1]?.[index] ?? 0)}`);
      tip.textContent = [head, ...rest].join("  ·  ");
    };
    made.over.addEventListener("mousemove", say);
    made.over.addEventListener("mouseleave", say);
    const watch = new ResizeObserver(() => {
      if (box.clientWidth) made.setSize({ width: box.clientWidth, height: latest.current.height ?? 180 });
    });
    watch.observe(box);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [look, shape]);

  useEffect(() => {
    plot.current?.setData(props.data);
  }, [props.data]);

  return (
    <div class="chart">
      <div ref={place} role="img" aria-label={props.label} />
      <div class="chart-tip" ref={told} aria-hidden="true" />
    </div>
  );
}
