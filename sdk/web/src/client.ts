// One request and its answer, reduced to what can be done about it. Never throws: what did not come
// is an answer of kind 'later', too.

import { REQUEST_TIMEOUT_MS } from './limits.js';
import { retryAfterMs } from './pace.js';
import type { Ports } from './ports.js';
import type { Options, Problem } from './types.js';

export interface Answer {
  /** ok: done. no: repeating is no use. later: repeat, no sooner than `retryAfterMs`. */
  kind: 'ok' | 'no' | 'later';
  /** 0: there was no answer. */
  status: number;
  intervalMs: number | null;
  retryAfterMs: number | null;
  /** The body's JSON; null if there is none. */
  body: unknown;
}

export class Client {
  private token: string | null = null;

  constructor(private readonly options: Options, private readonly ports: Ports) {}

  url(path: string): string {
    return this.options.server.replace(/\/+$/, '') + path;
  }

  async exchange(method: string, path: string, body?: unknown): Promise<Answer> {
    const abort = new AbortController();
    const cancel = this.ports.after(REQUEST_TIMEOUT_MS, () => abort.abort());
    try {
      const headers = await this.headers();
      const init: RequestInit = { method, headers, signal: abort.signal, cache: 'no-store' };
      if (body !== undefined) {
        headers['Content-Type'] = 'application/json';
        init.body = JSON.stringify(body);
        // It goes on if the page is closed meanwhile.
        init.keepalive = true;
      }
      const response = await this.ports.fetch(this.url(path), init);
      const text = await response.text();
      return this.answer(response, text);
    } catch {
      return { kind: 'later', status: 0, intervalMs: null, retryAfterMs: null, body: null };
    } finally {
      cancel();
    }
  }

  /** Opens a stream of events, until `signal`. Null if there was no answer. */
  async stream(path: string, signal: AbortSignal): Promise<Response | null> {
    try {
      const headers = { ...(await this.headers()), Accept: 'text/event-stream' };
      return await this.ports.fetch(this.url(path), { headers, signal, cache: 'no-store' });
    } catch {
      return null;
    }
  }

  /** Sends `text` so that it outlives the page. Nobody hears of the answer. */
  lastly(path: string, text: string): void {
    // A beacon carries no token, and its preflight is answered from the browser's cache by now.
    if (this.token === null && this.ports.beacon(this.url(path), text)) return;
    const headers: Record<string, string> = { 'Content-Type': 'text/plain' };
    if (this.token !== null) headers['Authorization'] = `Bearer ${this.token}`;
    const init: RequestInit = { method: 'POST', headers, body: text, keepalive: true };
    void this.ports.fetch(this.url(path), init).catch(() => undefined);
  }

  private async headers(): Promise<Record<string, string>> {
    const { token } = this.options;
    if (token === undefined) return {};
    this.token = typeof token === 'string' ? token : await this.inTime(token);
    return { Authorization: `Bearer ${this.token}` };
  }

  // A function that gets a token may ask a server that does not answer.
  private async inTime(token: () => string | Promise<string>): Promise<string> {
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.ports.after(REQUEST_TIMEOUT_MS, () => reject(new Error('no token')));
    });
    return Promise.race([token(), late]).finally(() => cancel());
  }

  private answer(response: Response, text: string): Answer {
    const { status, headers } = response;
    const interval = Number(headers.get('Playhead-Next-Report-Ms') ?? NaN);
    return {
      kind: response.ok ? 'ok' : repeats(status) ? 'later' : 'no',
      status,
      intervalMs: Number.isFinite(interval) ? interval : null,
      retryAfterMs: retryAfterMs(headers.get('Retry-After'), this.ports.now()),
      body: parsed(text),
    };
  }
}

// 401: a token that ran out is asked for anew. The rest is the server's state, and passes.
function repeats(status: number): boolean {
  return status === 401 || status === 408 || status === 429 || status >= 500;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** The problem that an answer without success holds; one of our own words if it holds none. */
export function problemOf(answer: { status: number; body: unknown }): Problem {
  const body = answer.body as Partial<Problem> | null;
  if (body && typeof body === 'object' && typeof body.type === 'string') return body as Problem;
  return { type: 'about:blank', title: `the server answered ${answer.status}`, status: answer.status };
}
