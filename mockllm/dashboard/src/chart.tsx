// uPlot in the page's colours. The chart is created again when the colours change; else only its data changes.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import { useObservable } from "./observable.ts";
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
  /** The labels of the x axis; times of the day by default. */
  names?: (value: number) => string;
  /** Whole numbers only at the y axis. */
  whole?: boolean;
  marks?: Mark[];
  still?: boolean;
}

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const ROW = 14;
/** The height of a mark's label. The labels are stacked above the bars. */

const STEPS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((power) => [10 ** power, 2 * 10 ** power, 5 * 10 ** power]);

function options(props: Props, width: number, marks: () => Mark[]): uPlot.Options {
  const grid = colour("--line");
  const quiet = colour("--quiet");
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis: uPlot.Axis = { stroke: quiet, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  const names = props.names;
  const times = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false } as const;
  return {
    width,
    height: props.height ?? 180,
    padding: [props.marks ? ROW * 3 + 8 : 10, 30, 0, 0],
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: {
      x: names ? { time: false, range: (_, low, high) => [low - 0.7, high + 0.7] } : { time: true },
      y: { range: (_, _low, high) => [0, Math.max(high * 1.12, 1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: 70,
        values: (_, splits) =>
          splits.map((split) => (names ? names(split) : new Date(split * 1000).toLocaleTimeString("en-GB", times))),
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
            const left = x - width - 6 * ratio > 0; // on this side the lines of earlier marks do not reach the label
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
  const container = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const tip = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const colours = useObservable(theme);
  const shape = props.lines.map((line) => line.label + line.colour).join();

  useEffect(() => {
    const box = container.current!;
    const chart = new uPlot(options(latest.current, box.clientWidth, () => latest.current.marks ?? []), latest.current.data, box);
    plot.current = chart;
    const showTip = (): void => {
      const index = chart.cursor.idx;
      const element = tip.current!;
      if (index === null || index === undefined) {
        element.textContent = "";
        return;
      }
      const { lines, names, data } = latest.current;
      const x = data[0][index] ?? 0;
      const head = names ? names(x) : new Date(x * 1000).toLocaleTimeString("en-GB");
      const rest = lines.map((line, number) => `${line.label} ${line.value(data[number + 1]?.[index] ?? 0)}`);
      element.textContent = [head, ...rest].join("  ·  ");
    };
    chart.over.addEventListener("mousemove", showTip);
    chart.over.addEventListener("mouseleave", showTip);
    const watch = new ResizeObserver(() => {
      if (box.clientWidth) chart.setSize({ width: box.clientWidth, height: latest.current.height ?? 180 });
    });
    watch.observe(box);
    return () => {
      watch.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [colours, shape]);

  useEffect(() => {
    plot.current?.setData(props.data);
  }, [props.data]);

  return (
    <div class="chart">
      <div ref={container} role="img" aria-label={props.label} />
      <div class="chart-tip" ref={tip} aria-hidden="true" />
    </div>
  );
}
