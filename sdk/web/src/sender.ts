// Brings reports to the server, in order, one request at a time.
//
//  - A report leaves the queue only when the server has answered for it, so one that is lost goes again;
//    a repeated report has no second effect.
//  - A view that the server may take for ended goes by PUT, which asks for the stream limit: its newest
//    report, made now, goes before all that waits. An active view goes by POST, many reports at once.
//  - POST never asks, so what it brings must not make an ended view active. Until it was granted, a
//    report that would do so waits until it is late: such a one makes nothing active. Refused, the view
//    is ended first, and then what waited goes: no viewer loses a position. The order does not matter
//    to the server, for what a view shows depends on the reports' own times.
//  - What earlier pages of the same profile could not send goes when nothing else does.

import { Client, problemOf, type Answer } from './client.js';
import {
  BATCH_BYTES_MAX, BATCH_REPORTS_MAX, FAILURE_WINDOW_MS, INTERVAL_MS_DEFAULT, INTERVAL_MS_MAX, INTERVAL_MS_MIN,
  INTERVAL_MS_UNNAMED, KEPT_AGE_MS_MAX, KEPT_REPORTS_MAX, LATE_INTERVALS, LATE_PAUSED_MS, LEASE_INTERVALS,
  LEASE_PAUSED_MS, QUEUE_REPORTS_MAX,
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
  /** What the player does at this moment; null if it plays nothing. */
  present(): Report | null;
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

/** These make a view active that had ended. */
const OPENING: readonly State[] = ['starting', 'playing', 'seeking'];
/** These ask for the stream limit: the last two make only a view active that the server does not know yet. */
const ASKING: readonly State[] = [...OPENING, 'rebuffering', 'ad'];
export const ENDS: readonly State[] = ['stopped', 'completed', 'failed'];

export class Sender {
  intervalMs = INTERVAL_MS_DEFAULT;
  private named = false;
  private queue: Report[] = [];
  private kept: Report[] = [];
  private busy = false;
  private cancelWait: (() => void) | null = null;
  private view = '';
  private leaseUntil = 0;
  private terminate: string | null = null;
  /** The server has taken a report of the view, and the latest one of those. */
  private told: Report | null = null;
  /** The end of a view that may not be made active: it goes before the other reports of it. */
  private closing: Report | null = null;
  private lastlyAt = -Infinity;

  constructor(
    private readonly options: Options,
    private readonly ports: Ports,
    private readonly client: Client,
    private readonly pace: Pace,
    private readonly hooks: Hooks,
  ) {}

  /** Takes what earlier pages of this profile left in the store. The store's bounds hold over all profiles. */
  async recover(): Promise<void> {
    const all = await this.ports.store.all(this.options.account);
    const oldest = new Date(this.ports.now() - KEPT_AGE_MS_MAX).toISOString();
    const own = new Set([this.view, ...this.queue.map((report) => report.view)]);
    const others = all.filter((report) => !own.has(report.view));
    const kept = others.filter((report) => report.at >= oldest).slice(-KEPT_REPORTS_MAX);
    // A token may be bound to its profile, and the server would refuse the others for good: they wait for theirs.
    this.kept = kept.filter((report) => report.profile === this.options.profile);
    const stay = new Set(kept);
    this.ports.store.remove(others.filter((report) => !stay.has(report)));
    this.pump();
  }

  /** From here on `view` is the one that plays. `terminate`: the view it takes over from. */
  begin(view: string, terminate: string | null): void {
    this.view = view;
    this.leaseUntil = 0;
    this.told = null;
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
    if (!this.queue.length && !this.kept.length) return;
    const now = this.ports.now();
    const wait = this.pace.waitMs(now);
    if (wait > 0) {
      this.wake(wait);
      return;
    }
    const asker = this.asker(now);
    const batch = asker ? [asker] : this.batch(now);
    if (!batch.length) {
      this.wake(Math.max(1, Date.parse(this.queue[0]?.at ?? '') + this.lateMs() - now));
      return;
    }
    this.busy = true;
    void this.send(batch, asker !== null).finally(() => {
      this.busy = false;
      this.pump();
    });
  }

  private wake(ms: number): void {
    this.cancelWait = this.ports.after(ms, () => this.pump());
  }

  private async send(batch: Report[], asks: boolean): Promise<void> {
    const [first] = batch;
    if (!first) return;
    const sentAt = this.ports.now();
    const ticket = this.pace.sent(sentAt);
    const { view } = this;
    const answer = asks ? await this.put(first) : await this.post(batch);
    const latest = batch.filter((report) => report.view === this.view).at(-1);
    if (answer.kind === 'later') {
      this.pace.failed(this.ports.now(), answer.retryAfterMs);
      if (answer.status === 401 && latest) this.hooks.problem(problemOf(answer));
      return;
    }
    const taken = new Set(answer.kind === 'ok' ? this.taken(batch, answer) : batch);
    this.drop((report) => taken.has(report));
    if (this.closing && taken.has(this.closing)) this.closing = null;
    if (answer.kind === 'no') {
      this.pace.refused();
      if (latest) this.refused(latest, asks, answer);
      return;
    }
    if (whole(answer)) this.pace.succeeded(ticket);
    if (answer.intervalMs !== null) {
      this.intervalMs = Math.min(INTERVAL_MS_MAX, Math.max(INTERVAL_MS_MIN, answer.intervalMs));
      this.named = true;
    }
    if (!latest || view !== this.view) return;
    const newest = !this.told || latest.sequence > this.told.sequence;
    if (newest) this.told = latest;
    // 200 says nothing of a report that would not have started the view.
    const started = asks && (answer.status === 201 || OPENING.includes(latest.state));
    if (!started && !this.active(sentAt)) return;
    if (started) {
      this.terminate = null;
      this.hooks.granted();
    }
    // From the report's own time: the server counts from its arrival, which was later.
    if (newest)
      this.leaseUntil = Date.parse(latest.at) +
        (latest.state === 'paused' ? LEASE_PAUSED_MS : LEASE_INTERVALS * this.intervalMs);
    this.hooks.accepted();
  }

  // The report that must ask for the stream limit before anything else of its view goes.
  private asker(now: number): Report | null {
    if (this.active(now)) return null;
    const newest = this.newestOfView();
    if (!newest || !ASKING.includes(newest.state)) return null;
    if (Date.parse(newest.at) >= now - this.intervalMs) return newest;
    // The server starts nothing for a report that is late when it comes.
    const present = this.hooks.present();
    if (present) this.keep(present);
    return present && ASKING.includes(present.state) ? present : null;
  }

  // The latest of what the server does not know yet, unless it knows a later one.
  private newestOfView(): Report | undefined {
    const told = this.told?.sequence ?? -1;
    return this.queue.filter((report) => report.view === this.view && report.sequence > told).at(-1);
  }

  private active(now: number): boolean {
    return now < this.leaseUntil;
  }

  private lateMs(): number {
    const silentMs = LATE_INTERVALS * (this.named ? this.intervalMs : INTERVAL_MS_UNNAMED);
    return this.told?.state === 'paused' ? Math.max(LATE_PAUSED_MS, silentMs) : silentMs;
  }

  // Whether a report would make its view active, unasked.
  private held(report: Report, now: number): boolean {
    return report.view === this.view && !this.active(now) && Date.parse(report.at) > now - this.lateMs() &&
      (OPENING.includes(report.state) || (this.told === null && !ENDS.includes(report.state)));
  }

  private batch(now: number): Report[] {
    const newest = this.newestOfView();
    // The viewer has left: nobody is to be asked any more, if the end is there first.
    if (newest && ENDS.includes(newest.state) && this.queue.some((report) => report !== newest && this.held(report, now)))
      this.close(newest);
    if (this.closing) return [this.closing];
    const at = this.queue.findIndex((report) => this.held(report, now));
    const free = at < 0 ? this.queue : this.queue.slice(0, at);
    const batch: Report[] = [];
    let bytes = 0;
    for (const report of free.length ? free : this.kept) {
      bytes += bytesOf(report);
      if (batch.length && (batch.length >= BATCH_REPORTS_MAX || bytes > BATCH_BYTES_MAX)) break;
      batch.push(report);
    }
    return batch;
  }

  private close(end: Report): void {
    this.closing = end;
    this.view = '';
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
    // What becomes of a view which is over concerns nobody any more.
    if (report.view !== this.view) return;
    const problem = problemOf(answer);
    if (answer.status === 410) {
      this.giveUp(asked ? report : null, false);
      this.hooks.terminated(problem.device ?? null);
    } else if (asked && answer.status === 409) {
      this.giveUp(report, true);
      this.hooks.limited(problem.views ?? []);
    } else {
      this.hooks.problem(problem);
    }
  }

  // The view may not go on. What was made before `asker` is still told; the rest would be refused as well.
  private giveUp(asker: Report | null, close: boolean): void {
    const { view } = this;
    const last = this.queue.filter((report) => report.view === view && report.sequence > (asker?.sequence ?? 0)).at(-1) ?? asker;
    this.view = '';
    this.terminate = null;
    this.drop((report) => report.view === view && (!asker || report.sequence > asker.sequence));
    if (!last || !close || !this.queue.some((report) => report.view === view)) return;
    const at = new Date(this.ports.now()).toISOString();
    const end: Report = ENDS.includes(last.state) ? last : { ...last, state: 'stopped', at, sequence: last.sequence + 1 };
    this.keep(end);
    this.close(end);
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
