// Brings reports to the server, in order, one request at a time.
//
//  - A report leaves the queue only when the server has answered for it, so one that is lost goes again;
//    a repeated report has no second effect.
//  - A view that is not known to be active goes by PUT, which asks for the stream limit; an active one by
//    POST, many reports at once. Reports that are late make no view active, and so need not ask.
//  - What earlier pages could not send goes when nothing else does.

import { Client, problemOf, type Answer } from './client.js';
import {
  BATCH_BYTES_MAX, BATCH_REPORTS_MAX, FAILURE_WINDOW_MS, INTERVAL_MS_DEFAULT, INTERVAL_MS_MAX, INTERVAL_MS_MIN,
  KEPT_AGE_MS_MAX, KEPT_REPORTS_MAX, LATE_MS, LEASE_INTERVALS, LEASE_PAUSED_MS, QUEUE_REPORTS_MAX,
} from './limits.js';
import type { Pace } from './pace.js';
import type { Ports } from './ports.js';
import type { Options, Problem, Report, State, Viewer } from './types.js';

/** What the sender learns of the view that plays. */
export interface Hooks {
  granted(): void;
  /** A report of it was accepted. */
  accepted(): void;
  limited(viewers: Viewer[]): void;
  terminated(device: string | null): void;
  problem(problem: Problem): void;
}

interface Rejected {
  index: number;
  problem: Problem;
}

function rejectedOf(answer: Answer): Rejected[] {
  const rejected = (answer.body as { rejected?: Rejected[] } | null)?.rejected;
  return Array.isArray(rejected) ? rejected : [];
}

function whole(answer: Answer): boolean {
  return rejectedOf(answer).length === 0;
}

// With the time of the attempt, which is added when it goes.
function bytesOf(report: Report | undefined): number {
  return JSON.stringify(report ?? null).length + 50;
}

const OPENS: readonly State[] = ['starting', 'playing', 'seeking', 'rebuffering', 'ad'];

export class Sender {
  intervalMs = INTERVAL_MS_DEFAULT;
  private queue: Report[] = [];
  private kept: Report[] = [];
  private busy = false;
  private cancelWait: (() => void) | null = null;
  private view = '';
  private leaseUntil = 0;
  private terminate: string | null = null;
  private lastlyAt = -Infinity;

  constructor(
    private readonly options: Options,
    private readonly ports: Ports,
    private readonly client: Client,
    private readonly pace: Pace,
    private readonly hooks: Hooks,
  ) {}

  /** Takes what earlier pages left in the store. */
  async recover(): Promise<void> {
    const all = await this.ports.store.all(this.options.account);
    const oldest = new Date(this.ports.now() - KEPT_AGE_MS_MAX).toISOString();
    const own = new Set([this.view, ...this.queue.map((report) => report.view)]);
    const others = all.filter((report) => !own.has(report.view));
    const kept = others.filter((report) => report.at >= oldest).slice(-KEPT_REPORTS_MAX);
    this.kept = kept;
    const stay = new Set(kept);
    this.ports.store.remove(others.filter((report) => !stay.has(report)));
    this.pump();
  }

  /** From here on `view` is the one that plays. `terminate`: the view it takes over from. */
  begin(view: string, terminate: string | null): void {
    this.view = view;
    this.leaseUntil = 0;
    this.terminate = terminate;
  }

  add(report: Report): void {
    const former = this.queue.at(-1);
    // A dragged slider seeks many times a second; where it has got to is all that counts.
    if (report.state === 'seeking' && former?.state === 'seeking' && former.view === report.view) {
      this.queue.pop();
      this.ports.store.remove([former]);
    }
    this.keep(report);
    this.pump();
  }

  /** The network is back. */
  online(): void {
    this.pace.hurry();
    this.pump();
  }

  /** The page goes: `report` and everything that waits go with it, answered or not. */
  lastly(report: Report | null): void {
    if (report) this.keep(report);
    const now = this.ports.now();
    // One last report a minute is allowed beyond what the pace allows; see FAILURES_MAX.
    if (!this.queue.length || (this.pace.waitMs(now) > 0 && now - this.lastlyAt < FAILURE_WINDOW_MS)) return;
    this.lastlyAt = now;
    this.client.lastly('/v1/reports', JSON.stringify(this.newest().map((report) => this.stamped(report))));
  }

  private keep(report: Report): void {
    this.queue.push(report);
    this.ports.store.put(report);
    if (this.queue.length > QUEUE_REPORTS_MAX) this.thin();
  }

  private pump(): void {
    if (this.busy) return;
    this.cancelWait?.();
    this.cancelWait = null;
    if (!this.ports.online()) return;
    const source = this.queue.length ? this.queue : this.kept;
    if (!source.length) return;
    const wait = this.pace.waitMs(this.ports.now());
    if (wait > 0) {
      this.cancelWait = this.ports.after(wait, () => this.pump());
      return;
    }
    this.busy = true;
    void this.send(source).finally(() => {
      this.busy = false;
      this.pump();
    });
  }

  private async send(source: Report[]): Promise<void> {
    const first = source[0];
    if (!first) return;
    const asks = this.asks(first);
    const batch = asks ? [first] : this.batch(source);
    const ticket = this.pace.sent(this.ports.now());
    const view = this.view;
    const answer = asks ? await this.put(first) : await this.post(batch);
    const now = this.ports.now();
    if (answer.kind === 'later') {
      this.pace.failed(now, answer.retryAfterMs);
      if (answer.status === 401) this.hooks.problem(problemOf(answer));
      return;
    }
    const taken = new Set(answer.kind === 'ok' ? this.taken(batch, answer) : batch);
    this.drop((report) => taken.has(report));
    if (answer.kind === 'no') {
      this.pace.refused();
      this.refused(first, asks, answer);
      return;
    }
    if (whole(answer)) this.pace.succeeded(ticket);
    if (answer.intervalMs !== null)
      this.intervalMs = Math.min(INTERVAL_MS_MAX, Math.max(INTERVAL_MS_MIN, answer.intervalMs));
    const latest = batch.filter((report) => report.view === this.view).at(-1);
    if (!latest || view !== this.view) return;
    if (asks) {
      this.terminate = null;
      this.hooks.granted();
    } else if (!this.active(now)) {
      return;  // late ones only: they made nothing active
    }
    this.leaseUntil = now + (latest.state === 'paused' ? LEASE_PAUSED_MS : LEASE_INTERVALS * this.intervalMs);
    this.hooks.accepted();
  }

  // Whether a report must ask for the stream limit before it is taken.
  private asks(report: Report): boolean {
    const now = this.ports.now();
    return report.view === this.view && OPENS.includes(report.state) && !this.late(report, now) &&
      !this.active(now);
  }

  private active(now: number): boolean {
    return now < this.leaseUntil;
  }

  private late(report: Report, now: number): boolean {
    return Date.parse(report.at) < now - LATE_MS;
  }

  private batch(source: Report[]): Report[] {
    const batch: Report[] = [];
    let bytes = 0;
    for (const report of source) {
      bytes += bytesOf(report);
      if (batch.length && (batch.length >= BATCH_REPORTS_MAX || bytes > BATCH_BYTES_MAX || this.asks(report))) break;
      batch.push(report);
    }
    return batch;
  }

  // As many as may outlive the page, from the end.
  private newest(): Report[] {
    let bytes = 0;
    let from = this.queue.length;
    while (from > 0 && this.queue.length - from < BATCH_REPORTS_MAX) {
      bytes += bytesOf(this.queue[from - 1]);
      if (bytes > BATCH_BYTES_MAX) break;
      from -= 1;
    }
    return this.queue.slice(from);
  }

  private put(report: Report): Promise<Answer> {
    const { account, view, ...body } = this.stamped(report);
    const query = this.terminate === null ? '' : `?terminate=${encodeURIComponent(this.terminate)}`;
    return this.client.exchange('PUT', `/v1/accounts/${account}/views/${view}${query}`, body);
  }

  private post(batch: Report[]): Promise<Answer> {
    const stamped = batch.map((report) => this.stamped(report));
    return this.client.exchange('POST', '/v1/reports', stamped.length === 1 ? stamped[0] : stamped);
  }

  // The server corrects a device's clock by this, so it is that of the attempt.
  private stamped(report: Report): Report & { sent_at: string } {
    return { ...report, sent_at: new Date(this.ports.now()).toISOString() };
  }

  // Those of a batch that need not go again.
  private taken(batch: Report[], answer: Answer): Report[] {
    if (whole(answer)) return batch;
    const again = new Set<Report>();
    for (const { index, problem } of rejectedOf(answer)) {
      const report = batch[index];
      if (!report) continue;
      if (problem.retryable) again.add(report);
      else this.refused(report, false, { ...answer, status: problem.status, body: problem });
    }
    if (again.size) this.pace.failed(this.ports.now(), answer.retryAfterMs);
    else this.pace.refused();
    return batch.filter((report) => !again.has(report));
  }

  private refused(report: Report, asked: boolean, answer: Answer): void {
    const problem = problemOf(answer);
    const ends = answer.status === 410 || (asked && answer.status === 409);
    if (!ends) {
      this.hooks.problem(problem);
      return;
    }
    // That a view which is over may not go on concerns nobody any more.
    if (report.view !== this.view) return;
    this.giveUp();
    if (answer.status === 410) this.hooks.terminated(problem.device ?? null);
    else this.hooks.limited(problem.views ?? []);
  }

  // The view may not go on: what waits for it would be refused as well.
  private giveUp(): void {
    const view = this.view;
    this.view = '';
    this.terminate = null;
    this.drop((report) => report.view === view);
  }

  private drop(which: (report: Report) => boolean): void {
    this.ports.store.remove([...this.queue, ...this.kept].filter(which));
    this.queue = this.queue.filter((report) => !which(report));
    this.kept = this.kept.filter((report) => !which(report));
  }

  // Gives up the oldest heartbeat between two of its like; else the oldest but the first.
  private thin(): void {
    const { queue } = this;
    const like = (one: number, other: number): boolean =>
      queue[one]?.state === queue[other]?.state && queue[one]?.view === queue[other]?.view;
    const found = queue.findIndex((_, at) => at > 0 && at < queue.length - 1 && like(at, at - 1) && like(at, at + 1));
    const [gone] = queue.splice(found < 0 ? 1 : found, 1);
    if (gone) this.ports.store.remove([gone]);
  }
}
