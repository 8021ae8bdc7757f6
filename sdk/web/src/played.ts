// How much media was played, and where the playhead is, from samples of the video. What it counts
// is a lower bound: a stretch between two samples counts if the video can have played it.

import { SAMPLE_SLACK_MS } from './limits.js';

export class Played {
  private lastAt = 0;
  private lastMs = 0;
  private wasPlaying = false;
  private totalMs = 0;

  /** Takes a sample, at `now`. `playing`: the video moves by itself from here on. */
  sample(now: number, playheadMs: number, playing: boolean, rate: number): void {
    const moved = playheadMs - this.lastMs;
    const possible = (now - this.lastAt) * Math.abs(rate) + SAMPLE_SLACK_MS;
    if (this.wasPlaying && moved > 0 && moved <= possible) this.totalMs += moved;
    this.lastAt = now;
    this.lastMs = playheadMs;
    this.wasPlaying = playing;
  }

  get watchedMs(): number {
    return Math.round(this.totalMs);
  }

  get playheadMs(): number {
    return this.lastMs;
  }
}
