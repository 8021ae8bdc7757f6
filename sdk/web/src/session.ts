// One view: its id, its start, its count of reports. A video has several, one after the other, if it
// is played again after an end.

import { Played } from './played.js';
import type { Ports } from './ports.js';
import type { Options, Report, State } from './types.js';

/** What the video shows at the moment of a report. */
export interface Moment {
  /** Null: not known, or not to be told yet. */
  playheadMs: number | null;
  durationMs: number | null;
}

export class Session {
  readonly view: string;
  readonly played = new Played();
  private readonly startedAt: string;
  private sequence = 0;

  constructor(private readonly options: Options, private readonly ports: Ports) {
    this.view = ports.id();
    this.startedAt = new Date(ports.now()).toISOString();
  }

  report(state: State, moment: Moment): Report {
    const { options } = this;
    const report: Report = {
      account: options.account,
      profile: options.profile,
      title: options.title,
      view: this.view,
      state,
      at: new Date(this.ports.now()).toISOString(),
      started_at: this.startedAt,
      sequence: this.sequence++,
      watched_ms: this.played.watchedMs,
      device: options.device ?? this.ports.device(),
    };
    if (options.deviceType !== undefined) report.device_type = options.deviceType;
    if (options.series !== undefined) report.series = options.series;
    if (options.nextTitle !== undefined) report.next_title = options.nextTitle;
    if (options.kind !== undefined) report.kind = options.kind;
    if (options.record !== undefined) report.record = options.record;
    if (options.creditsMs !== undefined) report.credits_ms = Math.round(options.creditsMs);
    if (moment.durationMs !== null) report.duration_ms = Math.round(moment.durationMs);
    if (moment.playheadMs !== null) report.playhead_ms = withinDuration(moment);
    return report;
  }
}

// The last frame's time may lie a few milliseconds beyond the duration, and the server ignores such a playhead.
function withinDuration({ playheadMs, durationMs }: Moment): number {
  const playhead = Math.max(0, Math.round(playheadMs ?? 0));
  return durationMs ? Math.min(playhead, Math.round(durationMs)) : playhead;
}
