// A live plot. Its last value stands beside it in text, for those who can't see the line.

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Line {
  name: string;
  values: Array<number | null>;
  /** A custom property of the style sheet. */
  colour: string;
}

interface PlotProps {
  title: string;
  /** What the newest values are, in words. */
  now: string;
  times: number[];
  lines: Line[];
  format: (value: number) => string;
  /** The scale's top is never below it. */
  least: number;
}

const HEIGHT = 150;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsOf(width: number, { lines, format, least }: PlotProps): uPlot.Options {
  const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui, sans-serif' };
  return {
    width, height: HEIGHT, legend: { show: false }, cursor: { show: false }, padding: [10, 28, 0, 0],
    scales: { y: { range: (_, __, max) => [0, Math.max((max ?? 0) * 1.15, least)] } },
    axes: [
      { ...axis, space: 80, size: 26, values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleTimeString('en-GB')) },
      { ...axis, size: 62, space: 34, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map((line, place) => ({
        label: line.name, stroke: colour(line.colour), width: 2, points: { show: false }, spanGaps: true,
        ...(place === 0 && { fill: `color-mix(in srgb, ${colour(line.colour)} 14%, transparent)` }),
      })),
    ],
  };
}

export function Plot(props: PlotProps) {
  const { title, now, times, lines } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const data = (): uPlot.AlignedData => [latest.current.times, ...latest.current.lines.map((line) => line.values)];
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(element.clientWidth, latest.current), data(), element);
    };
    draw();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    sized.observe(element);
    return () => {
      scheme.removeEventListener('change', draw);
      sized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => { plot.current?.setData(data()); }, [times]);
  return (
    <figure class="panel plot">
      <figcaption><span class="plot-title">{title}</span><span class="plot-now">{now}</span></figcaption>
      <div ref={box} class="plot-box" role="img" aria-label={`${title}, last two minutes; now ${now}`} />
      {lines.length > 1 && <p class="keys soft">{lines.map((line) => <span key={line.name}><span class={`key ${line.colour.slice(2)}`} aria-hidden="true" />{line.name}</span>)}</p>}
    </figure>
  );
}
