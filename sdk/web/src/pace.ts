// When the next request may go. Pure but for what it remembers. Three rules, the strictest wins:
//  1. a bucket: REQUEST_BURST_MAX at once, one more each REQUEST_GAP_MS;
//  2. after a failure the back-off, which doubles, and whatever Retry-After asks for;
//  3. no more than FAILURES_MAX requests without success in any FAILURE_WINDOW_MS, whatever they are for.
// Only the third holds when a user presses buttons at a server that refuses each time. All reporters
// of a page that talk to one server share one pace.

import {
  BACK_OFF_MS_MAX, BACK_OFF_MS_MIN, FAILURES_MAX, FAILURE_WINDOW_MS, REQUEST_BURST_MAX, REQUEST_GAP_MS,
  RETRY_AFTER_MS_MAX,
} from './limits.js';

/** A request that has been sent, until its answer is known. */
export interface Ticket {
  readonly at: number;
}

export class Pace {
  private tokens = REQUEST_BURST_MAX;
  private filledAt = 0;
  /** Without success so far, oldest first. */
  private open: Ticket[] = [];
  private inARow = 0;
  private notBefore = 0;
  private asked = false;

  constructor(private readonly random: () => number) {}

  /** Milliseconds until a request may go; 0: now. */
  waitMs(now: number): number {
    this.fill(now);
    const bucket = this.tokens >= 1 ? 0 : (1 - this.tokens) * REQUEST_GAP_MS;
    this.open = this.open.filter((ticket) => ticket.at > now - FAILURE_WINDOW_MS);
    const oldest = this.open[this.open.length - FAILURES_MAX];
    const window = oldest === undefined ? 0 : oldest.at + FAILURE_WINDOW_MS - now;
    return Math.ceil(Math.max(0, bucket, window, this.notBefore - now));
  }

  sent(now: number): Ticket {
    this.fill(now);
    this.tokens = Math.max(0, this.tokens - 1);
    // After a failure one goes ahead to see; the others wait for what it learns.
    if (this.inARow > 0) this.notBefore = Math.max(this.notBefore, now + this.backOffMs());
    const ticket = { at: now };
    this.open.push(ticket);
    return ticket;
  }

  succeeded(ticket: Ticket): void {
    this.open = this.open.filter((one) => one !== ticket);
    this.inARow = 0;
    this.notBefore = 0;
  }

  /** The server answered, and means no: there is nothing to repeat. */
  refused(): void {
    this.inARow = 0;
    this.notBefore = 0;
  }

  /** No answer, or one that says later. `retryAfterMs`: what it asked for, if it did. */
  failed(now: number, retryAfterMs: number | null): void {
    this.asked = retryAfterMs !== null;
    this.notBefore = now + Math.max(this.backOffMs(), Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX));
    this.inARow = Math.min(this.inARow + 1, 10);
  }

  /** The network is back: no use in waiting on, unless it was the server that asked for it. */
  hurry(): void {
    if (!this.asked) this.notBefore = 0;
  }

  private backOffMs(): number {
    const doubled = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** this.inARow);
    // A little later each, so that a thousand players that lost one server do not come back as one.
    return doubled * (1 + this.random() / 4);
  }

  private fill(now: number): void {
    const earned = Math.max(0, now - this.filledAt) / REQUEST_GAP_MS;
    this.tokens = Math.min(REQUEST_BURST_MAX, this.tokens + earned);
    this.filledAt = now;
  }
}

/** Retry-After in milliseconds: seconds, or a date. Null if it says nothing that can be read. */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : null;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
