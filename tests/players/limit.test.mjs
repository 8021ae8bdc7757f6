// Goal: an outage is no way around the stream limit, and costs no position.
// Method: the reporter on a video that is none, with real time and a real server; no browser. Another
// device takes the account's only place while ours is away for longer than the server waits.

import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeVideo, World } from '../../sdk/web/test/world.mjs';
import { Playhead } from './playhead.mjs';
import { eventually, spend } from './wait.mjs';

const INTERVAL_MS = 1_000;
const OUTAGE_MS = 6 * INTERVAL_MS;
const ACCOUNT = 'a';

let server;
test.before(async () => {
  server = await Playhead.start(
    `[viewing]\nqualify_ms = 500\n[auth]\nstream_limit = 1\n[shard]\nreport_interval_ms = ${INTERVAL_MS}\n`);
});
test.after(() => server?.stop());

/** The world of the unit tests, but with this machine's clock and network. */
class RealWorld extends World {
  ports() {
    return {
      ...super.ports(),
      now: () => Date.now(),
      after: (ms, act) => {
        const timer = setTimeout(act, ms);
        return () => clearTimeout(timer);
      },
      fetch: async (url, init) => {
        if (!this.isOnline) throw new TypeError('no network');
        const answer = await fetch(url, init);
        this.requests.push({ method: init.method, status: answer.status });
        return answer;
      },
      id: () => `ours-${Date.now()}`,
    };
  }
}

test('after an outage in which another device took the place, ours is refused as at a start, and its position is kept', async () => {
  const world = new RealWorld();
  const video = new FakeVideo();
  const limited = [];
  const reporter = world.reporter(video, { server: server.url, account: ACCOUNT, profile: 'p1', title: 'clip', onLimit: (views) => limited.push(views) });
  const clock = setInterval(() => {
    if (video.paused) return;
    video.currentTime += 0.1;
    video.fire('timeupdate');
  }, 100);
  try {
    video.ready();
    await video.play();
    const { view } = reporter;
    await eventually(async () => (await server.viewers(ACCOUNT)).some((one) => one.view === view && one.state === 'playing'), 'ours plays');
    world.goOffline();
    await spend(OUTAGE_MS);
    await eventually(async () => (await server.viewers(ACCOUNT)).length === 0, 'the server has ended ours');
    // A paused view keeps its place for ten minutes, without further reports.
    await server.device(ACCOUNT, 'theirs', { device: 'tv', agoMs: 200, fromMs: 0, forMs: 150, state: 'paused' });
    assert.deepEqual((await server.viewers(ACCOUNT)).map((one) => one.view), ['theirs']);
    const seen = new Set();
    const leftAt = video.currentTime;
    world.requests = [];
    world.goOnline();
    await eventually(async () => {
      for (const one of await server.viewers(ACCOUNT)) seen.add(one.view);
      return limited.length && world.store.rows.size === 0;
    }, 'ours was refused, and has told all');
    assert.equal(limited[0][0].view, 'theirs');
    assert.equal(video.paused, true);
    assert.deepEqual(world.requests.map((one) => `${one.method} ${one.status}`), ['PUT 409', 'POST 204', 'POST 204']);
    for (const one of await server.viewers(ACCOUNT)) seen.add(one.view);
    assert.deepEqual([...seen], ['theirs']);
    const ended = await server.ended(ACCOUNT, view);
    assert.equal(ended.end_reason, 'stopped');
    const [entry] = (await server.history(ACCOUNT)).filter((one) => one.view === view);
    assert.ok(entry.playhead_ms >= leftAt * 1000 - 1, `left at ${leftAt} s, kept ${entry.playhead_ms} ms`);
    assert.ok(entry.watched_ms >= OUTAGE_MS / 2, `${entry.watched_ms} ms were played`);
  } finally {
    clearInterval(clock);
    reporter.stop();
  }
});
