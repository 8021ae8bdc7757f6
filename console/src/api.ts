// Requests to the server that the page came from, and what it answers (api/openapi.yaml).

import { tokenFor, type Need } from './tokens.js';

export interface Viewer {
  view?: string;
  profile?: string;
  title?: string;
  series?: string | null;
  device: string | null;
  device_type?: string | null;
  state: string;
  playhead_ms?: number | null;
  duration_ms?: number | null;
  at?: string;
}

export interface Progress {
  title: string;
  series: string | null;
  playhead_ms: number | null;
  duration_ms: number | null;
  finished: boolean;
  watched: boolean;
  hidden: boolean;
  device: string | null;
  at: string | null;
  reason?: 'resume' | 'next';
}

export interface HistoryItem {
  id: string;
  title: string;
  series: string | null;
  device: string | null;
  device_type: string | null;
  started_at: string;
  ended_at: string | null;
  end_reason: string | null;
  playhead_ms: number | null;
  duration_ms: number | null;
  watched_ms: number;
  finished: boolean;
}

export interface Page<T> {
  items: T[];
  next: string | null;
  as_of: string;
  stale: boolean;
}

export interface Act {
  title: string;
  playhead_ms?: number;
  watched?: boolean;
  hidden?: boolean;
}

export interface About {
  needs_token: boolean;
  answers_viewing: boolean;
  answers_operating: boolean;
}

/** An error as the server words it, or that there was no answer (status 0). */
export class Refused extends Error {
  constructor(readonly status: number, title: string, readonly detail: string) {
    super(detail ? `${title}: ${detail}` : title);
  }
}

export const REQUEST_MS_MAX = 15_000;

interface Asking {
  method?: string;
  body?: unknown;
  need?: Need;
  signal?: AbortSignal;
}

export async function ask(path: string, asking: Asking = {}): Promise<Response> {
  const headers: Record<string, string> = {};
  const token = tokenFor(asking.need ?? 'viewing');
  if (token) headers['Authorization'] = `Bearer ${token.text}`;
  const init: RequestInit = {
    method: asking.method ?? 'GET', headers, cache: 'no-store',
    signal: asking.signal ?? AbortSignal.timeout(REQUEST_MS_MAX),
  };
  if (asking.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(asking.body);
  }
  const response = await fetch(path, init).catch(() => {
    throw new Refused(0, 'The server does not answer', '');
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({})) as { title?: string; detail?: string };
  throw new Refused(response.status, problem.title ?? `The server answered ${response.status}`, problem.detail ?? '');
}

export async function get<T>(path: string, need: Need = 'viewing'): Promise<T> {
  return await (await ask(path, { need })).json() as T;
}

export const accountPath = (account: string): string => `/v1/accounts/${encodeURIComponent(account)}`;
export const profilePath = (account: string, profile: string): string =>
  `${accountPath(account)}/profiles/${encodeURIComponent(profile)}`;

/** The viewer's own acts, at this moment. */
export async function act(account: string, profile: string, acts: Act[]): Promise<void> {
  const at = new Date().toISOString();
  await ask(`${profilePath(account, profile)}/progress`, { method: 'PATCH', body: acts.map((one) => ({ at, ...one })) });
}

/** Where the profile left off in these titles, by title. */
export async function progressOf(account: string, profile: string, titles: string[]): Promise<Map<string, Progress>> {
  if (titles.length === 0) return new Map();
  const response = await ask(`${profilePath(account, profile)}/progress/query`, { method: 'POST', body: { titles } });
  const page = await response.json() as Page<Progress>;
  return new Map(page.items.map((one) => [one.title, one]));
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
