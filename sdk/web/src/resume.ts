// Where the profile left off, and the seek to it.

import { problemOf, type Client } from './client.js';
import { RESUME_MS_MAX, SEEK_AWAY_MS_MAX, SEEK_TRIES_MAX } from './limits.js';
import type { Pace } from './pace.js';
import type { Ports } from './ports.js';
import type { Options } from './types.js';

const HAVE_METADATA = 1;

/** The position in ms; null if there is none. Rejects if the server does not say within RESUME_MS_MAX. */
export async function positionToResume(
  options: Options, ports: Ports, client: Client, pace: Pace,
): Promise<number | null> {
  const { account, profile, title } = options;
  // As a list of one: a title without progress is no error there, and browsers show errors on the console.
  const path = `/v1/accounts/${account}/profiles/${profile}/progress?title=${title}`;
  const deadline = ports.now() + RESUME_MS_MAX;
  let said = 'the server asked to wait';
  for (;;) {
    const wait = pace.waitMs(ports.now());
    if (ports.now() + wait > deadline) break;
    if (wait > 0) {
      await new Promise<void>((resolve) => { ports.after(wait, resolve); });
      continue;
    }
    const ticket = pace.sent(ports.now());
    const answer = await client.exchange('GET', path);
    if (answer.kind === 'ok') {
      pace.succeeded(ticket);
      const list = answer.body as { items?: Array<{ playhead_ms: number | null }> } | null;
      return list?.items?.[0]?.playhead_ms ?? null;
    }
    const problem = problemOf(answer);
    said = answer.status ? `${problem.title} (${answer.status})` : 'there was no answer';
    if (answer.kind === 'no') {
      pace.refused();
      break;
    }
    pace.failed(ports.now(), answer.retryAfterMs);
  }
  throw new Error(
    `the position of ${title} could not be read: ${said}; call resume() again, or let it begin at the start`);
}

/**
 * Seeks as soon as the video can, and resolves when it is there, or has failed. `awayMs`: how far it is.
 * A player that is still starting may seek to its own beginning just after us, so one look is not enough.
 * `over`: the video is another's by now.
 */
export async function seekOnceReady(
  video: HTMLVideoElement, seek: () => void, awayMs: () => number, over: () => boolean,
): Promise<void> {
  if (video.readyState < HAVE_METADATA) {
    const ready = oneOf(video, ['loadedmetadata', 'error']);
    // It would read nothing before play(), which may wait for us. Not by load(): that takes a player's media away.
    if (video.preload === 'none') video.preload = 'metadata';
    await ready;
  }
  for (let tried = 0; tried < SEEK_TRIES_MAX && !video.error && !over(); tried++) {
    const there = oneOf(video, ['seeked', 'error', 'emptied']);
    seek();
    await there;
    if (awayMs() <= SEEK_AWAY_MS_MAX && !video.seeking) return;
  }
}

function oneOf(video: HTMLVideoElement, types: string[]): Promise<void> {
  return new Promise((resolve) => {
    const heard = (): void => {
      for (const type of types) video.removeEventListener(type, heard);
      resolve();
    };
    for (const type of types) video.addEventListener(type, heard);
  });
}
