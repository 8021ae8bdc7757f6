// Listens to the account's stream of events for the end of our view, so that a take-over stops this
// player at once. By fetch and not by EventSource, which carries no token and reconnects as it likes.
// It has no timer for opening again: a report that succeeds does that, so a server in trouble sees none.
// It costs one of the six connections that a browser opens to an HTTP/1.1 server.

import type { Client } from './client.js';
import { EVENT_BYTES_MAX, STREAM_GAP_MS, STREAM_SILENCE_MS_MAX } from './limits.js';
import type { Ports } from './ports.js';
import type { Options } from './types.js';

export class Push {
  private view: string | null = null;
  private abort: AbortController | null = null;
  private openedAt = -Infinity;

  constructor(
    private readonly options: Options,
    private readonly ports: Ports,
    private readonly client: Client,
    private readonly ended: (view: string) => void,
  ) {}

  /** The view to listen for; null closes the stream. */
  watch(view: string | null): void {
    this.view = view;
    if (view !== null) return;
    this.abort?.abort();
    this.abort = null;
  }

  /** Opens the stream, unless it is open or was so a moment ago. */
  open(): void {
    const now = this.ports.now();
    if (this.view === null || this.abort || now - this.openedAt < STREAM_GAP_MS) return;
    this.openedAt = now;
    const abort = new AbortController();
    this.abort = abort;
    void this.listen(abort).finally(() => {
      if (this.abort === abort) this.abort = null;
    });
  }

  private async listen(abort: AbortController): Promise<void> {
    const path = `/v1/accounts/${this.options.account}/viewers/stream`;
    const response = await this.client.stream(path, abort.signal);
    const reader = response?.ok ? response.body?.pipeThrough(new TextDecoderStream()).getReader() : undefined;
    if (!reader) return;
    let held = '';
    try {
      for (;;) {
        const { done, value } = await this.inTime(reader.read());
        if (done || abort.signal.aborted) return;
        const events = (held + value).split('\n\n');
        held = events.pop() ?? '';
        if (held.length > EVENT_BYTES_MAX) return;
        events.forEach((event) => this.take(event));
      }
    } catch {
      // Cut off.
    } finally {
      abort.abort();
    }
  }

  // A connection that is gone without a word looks like one on which nothing happens; but the server comments.
  private async inTime<T>(read: Promise<T>): Promise<T> {
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.ports.after(STREAM_SILENCE_MS_MAX, () => reject(new Error('silent')));
    });
    return Promise.race([read, late]).finally(() => cancel());
  }

  private take(event: string): void {
    if (!/^event: end$/m.test(event)) return;
    try {
      const data = JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '') as { view?: string; end_reason?: string };
      if (data.end_reason === 'terminated' && data.view !== undefined && data.view === this.view) this.ended(data.view);
    } catch {
      // Not an event that we know.
    }
  }
}
