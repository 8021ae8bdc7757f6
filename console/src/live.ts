// Who is watching on the account, as it happens: its stream of events, read by fetch, which unlike
// EventSource can show a token. One for the whole window, so that the player needs none of its own:
// a browser opens six connections to a server, and each window of it would take two.

import { useEffect, useRef, useState } from 'preact/hooks';
import { accountPath, ask, Refused, type Viewer } from './api.js';
import { tokenFor } from './tokens.js';

export interface Ended {
  view?: string;
  device?: string | null;
  end_reason: string;
}

export interface Live {
  viewers: Viewer[];
  /** 'live': what is shown is so. */
  state: 'connecting' | 'live' | 'lost' | 'refused';
  /** What happened last, to be read out. */
  news: string;
  /** Counts what may have moved a position. */
  changes: number;
}

type Event = { kind: 'snapshot'; items: Viewer[] } | { kind: 'view'; item: Viewer } | { kind: 'end'; ended: Ended };

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;
/** The server comments every 15 s: longer than this nobody is there. */
const SILENCE_MS_MAX = 40_000;
const EVENT_BYTES_MAX = 1024 * 1024;

const identityOf = (one: { view?: string; device?: string | null }): string => one.view ?? `device ${one.device}`;

/** `onEnd` hears of each end at once. */
export function useLive(account: string, wanted: boolean, say: (event: Viewer | Ended, before?: Viewer) => string,
  onEnd: (ended: Ended) => void): Live {
  const [live, setLive] = useState<Live>({ viewers: [], state: 'connecting', news: '', changes: 0 });
  const heard = useRef({ say, onEnd });
  heard.current = { say, onEnd };
  // Refused with one token, it may be answered with the next.
  const token = tokenFor('viewing')?.text;
  useEffect(() => {
    if (!wanted) return undefined;
    setLive({ viewers: [], state: 'connecting', news: '', changes: 0 });
    const abort = new AbortController();
    void follow(account, abort.signal, (state) => setLive((was) => ({ ...was, state })), (event) => {
      if (event.kind === 'end') heard.current.onEnd(event.ended);
      setLive((was) => ({ ...after(was, event, heard.current.say), state: 'live' }));
    });
    return () => abort.abort();
  }, [account, wanted, token]);
  return live;
}

function after(was: Live, event: Event, say: (event: Viewer | Ended, before?: Viewer) => string): Live {
  if (event.kind === 'snapshot') return { ...was, viewers: event.items, changes: was.changes + 1 };
  const one = event.kind === 'view' ? event.item : event.ended;
  const at = was.viewers.findIndex((viewer) => identityOf(viewer) === identityOf(one));
  const before = was.viewers[at];
  const changed = event.kind === 'end' || before?.state !== event.item.state;
  const viewers = event.kind === 'end' ? was.viewers.filter((_, place) => place !== at)
    : at < 0 ? [...was.viewers, event.item] : was.viewers.map((viewer, place) => (place === at ? event.item : viewer));
  return {
    ...was, viewers,
    news: changed ? say(one, before) : was.news,
    changes: was.changes + (changed ? 1 : 0),
  };
}

async function follow(account: string, signal: AbortSignal, tell: (state: Live['state']) => void,
  take: (event: Event) => void): Promise<void> {
  for (let wait = RETRY_MS_MIN; !signal.aborted; wait = Math.min(wait * 2, RETRY_MS_MAX)) {
    try {
      await listen(account, signal, (event) => {
        wait = RETRY_MS_MIN;
        take(event);
      });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && [401, 403, 404].includes(error.status)) return tell('refused');
    }
    if (signal.aborted) return;
    tell('lost');
    await new Promise((resolve) => { setTimeout(resolve, wait); });
  }
}

async function listen(account: string, signal: AbortSignal, take: (event: Event) => void): Promise<void> {
  const silent = new AbortController();
  const response = await ask(`${accountPath(account)}/viewers/stream`, { signal: AbortSignal.any([signal, silent.signal]) });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let held = '';
  for (;;) {
    const timer = setTimeout(() => silent.abort(), SILENCE_MS_MAX);
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    const texts = (held + value).split('\n\n');
    held = texts.pop() ?? '';
    if (held.length > EVENT_BYTES_MAX) throw new Error('an event without an end');
    for (const text of texts) {
      const event = read(text);
      if (event) take(event);
    }
  }
}

function read(text: string): Event | null {
  const kind = /^event: (\w+)$/m.exec(text)?.[1];
  const data = /^data: (.*)$/m.exec(text)?.[1];
  if (!kind || !data) return null;
  const body = JSON.parse(data) as unknown;
  switch (kind) {
    case 'snapshot': return { kind, items: (body as { items: Viewer[] }).items };
    case 'view': return { kind, item: body as Viewer };
    case 'end': return { kind, ended: body as Ended };
    default: return null;
  }
}
