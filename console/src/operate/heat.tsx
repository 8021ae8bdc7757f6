// The 4096 slots as a map of 64 by 64: the more reports of late, the warmer.

import { useEffect, useRef, useState } from 'preact/hooks';
import { number } from '../words.js';

const SIDE = 64;
/** What a look back weighs against the newest one. */
const DECAY = 0.9;

export interface Slots {
  /** Reports since the server started, by slot. */
  reports: number[];
  at: number;
}

/** Reports a second of each slot, smoothed. */
export class Heat {
  readonly rates = new Float64Array(SIDE * SIDE);
  private before: Slots | null = null;

  take(slots: Slots): void {
    const seconds = this.before ? (slots.at - this.before.at) / 1000 : 0;
    for (let slot = 0; slot < this.rates.length && seconds > 0; slot++) {
      const fresh = Math.max(0, (slots.reports[slot] ?? 0) - (this.before?.reports[slot] ?? 0)) / seconds;
      this.rates[slot] = (this.rates[slot] ?? 0) * DECAY + fresh * (1 - DECAY);
    }
    this.before = slots;
  }
}

function rgb(name: string): [number, number, number] {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const value = Number.parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function HeatMap({ heat, totals, time }: { heat: Heat; totals: number[]; time: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [slot, setSlot] = useState<number | null>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = context.createImageData(SIDE, SIDE);
    const stops = [rgb('--cold'), rgb('--seen'), rgb('--warm'), rgb('--hot')];
    const most = Math.max(...heat.rates, 0.01);
    for (let at = 0; at < SIDE * SIDE; at++) {
      const now = heat.rates[at] ?? 0;
      // A slot that has ever had a report is not quite cold.
      const warmth = now > 0.001 ? 1 + 2 * Math.sqrt(Math.min(1, now / most)) : (totals[at] ?? 0) > 0 ? 1 : 0;
      const low = Math.min(2, Math.floor(warmth));
      const from = stops[low] ?? [0, 0, 0];
      const to = stops[low + 1] ?? from;
      for (let part = 0; part < 3; part++)
        image.data[at * 4 + part] = (from[part] ?? 0) + ((to[part] ?? 0) - (from[part] ?? 0)) * (warmth - low);
      image.data[at * 4 + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }, [time]);
  const busy = totals.filter((count) => count > 0).length;
  const point = (event: PointerEvent): void => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * SIDE);
    const y = Math.floor(((event.clientY - box.top) / box.height) * SIDE);
    setSlot(x >= 0 && y >= 0 && x < SIDE && y < SIDE ? y * SIDE + x : null);
  };
  return (
    <figure class="panel heat">
      <figcaption><span class="plot-title">Slots</span><span class="plot-now">{number(busy)} of {number(SIDE * SIDE)} have had reports</span></figcaption>
      <canvas ref={canvas} width={SIDE} height={SIDE} role="img" aria-label={`Heat map of ${SIDE * SIDE} slots; ${busy} have had reports`} onPointerMove={point} onPointerLeave={() => setSlot(null)} />
      <p class="soft">{slot === null ? 'Each cell is a slot: a part of all accounts.' : `Slot ${slot}: ${number(heat.rates[slot] ?? 0)} reports/s, ${number(totals[slot] ?? 0)} since the start`}</p>
      <p class="keys soft" aria-hidden="true"><span><span class="key cold" />none yet</span><span><span class="key seen" />earlier</span><span><span class="key warm" />now</span><span><span class="key hot" />busiest</span></p>
    </figure>
  );
}
