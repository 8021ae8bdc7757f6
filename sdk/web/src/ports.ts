// What the package needs of its surroundings, so that tests bring their own clock and network.

import { Pace } from './pace.js';
import { IndexedStore, type Store } from './store.js';

export interface Ports {
  now(): number;
  /** Runs `act` once, after so long; returns what calls it off. */
  after(ms: number, act: () => void): () => void;
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Sends a body that outlives the page; false if the browser would not. */
  beacon(url: string, text: string): boolean;
  /** Shared by all that talk to the same server. */
  pace: Pace;
  id(): string;
  /** False only if there is no network for sure. */
  online(): boolean;
  store: Store;
  /** An id that stays with this browser. */
  device(): string;
  /** Where `online`, `pagehide` and `pageshow` are heard. */
  page: EventTarget;
  /** Where `visibilitychange` is heard. */
  document: EventTarget & { readonly hidden: boolean };
}

export function browserPorts(server: string): Ports {
  let device: string | undefined;
  return {
    now: () => Date.now(),
    after: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
    fetch: (url, init) => fetch(url, init),
    // A string body is text/plain, which needs no preflight: there would be no time for one.
    beacon: (url, text) => navigator.sendBeacon(url, text),
    pace: paceOf(server),
    id: randomId,
    online: () => navigator.onLine !== false,
    store: new IndexedStore(`playhead ${server}`),
    device: () => device ??= keptDevice(),
    page: window,
    document,
  };
}

// One for each server of the page, however many videos it shows one after the other.
const paces = new Map<string, Pace>();

function paceOf(server: string): Pace {
  const pace = paces.get(server) ?? new Pace(Math.random);
  paces.set(server, pace);
  return pace;
}

// crypto.randomUUID() is missing in pages without TLS.
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function keptDevice(): string {
  const key = 'playhead-device';
  try {
    const kept = localStorage.getItem(key);
    if (kept) return kept;
    const made = `browser-${randomId()}`;
    localStorage.setItem(key, made);
    return made;
  } catch {
    // Storage is forbidden here: the id lives as long as the page.
    return `browser-${randomId()}`;
  }
}
