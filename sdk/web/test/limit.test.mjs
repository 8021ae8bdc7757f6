// The stream limit through outages: against a server that ends silent views, and that lets POST make one
// active unasked, as the real one does (src/shard/report.cc, acts.cc), no view of ours comes back by POST.

import assert from 'node:assert/strict';
import test from 'node:test';
import { World, playing, problem, settle } from './world.mjs';

const OPENING = ['starting', 'playing', 'seeking'];
const ENDS = ['stopped', 'completed', 'failed'];
const PAUSED_EXPIRY_MS = 600_000;

/** One view's side of the server; the account's other devices are `full` or not. */
class Server {
  full = false;
  active = false;
  latest = null;
  taken = [];
  arrivedAt = -Infinity;
  /** Times that it became active without having been asked. */
  unasked = 0;

  constructor(world, intervalMs) {
    Object.assign(this, { world, intervalMs });
    world.answer = (request) => this.answer(request);
  }

  expiryMs() { return this.latest?.state === 'paused' ? Math.max(PAUSED_EXPIRY_MS, 3 * this.intervalMs) : 3 * this.intervalMs; }
  late(report) { return this.world.now - Date.parse(report.at) > this.expiryMs(); }
  expire() { if (this.world.now - this.arrivedAt > this.expiryMs()) this.active = false; }

  answer({ method, body }) {
    this.expire();
    const asks = method === 'PUT';
    const headers = { 'Playhead-Next-Report-Ms': String(this.intervalMs) };
    let status = asks ? 200 : 204;
    for (const report of [body].flat()) {
      this.expire();
      const starts = !this.active && !ENDS.includes(report.state) && !this.late(report) &&
        (this.latest === null || OPENING.includes(report.state));
      if (asks && starts && this.full) return problem('view-limit', 409, { views: [] });
      if (asks && starts) status = 201;
      this.take(report, asks);
    }
    return { status, headers };
  }

  take(report, asked) {
    const isNew = this.latest === null;
    const late = this.late(report);
    this.taken.push(report);
    const order = (one) => `${one.at} ${String(one.sequence).padStart(6, '0')}`;
    if (isNew || order(report) >= order(this.latest)) this.latest = report;
    if (ENDS.includes(this.latest.state)) {
      this.active = false;
      return;
    }
    if (late || (!this.active && !isNew && !OPENING.includes(report.state))) return;
    if (!this.active && !asked) this.unasked += 1;
    this.active = true;
    this.arrivedAt = this.world.now;
  }
}

const after = {
  'plays on': async () => undefined,
  'is paused': async (video) => video.pause(),
  'waits for data': async (video) => { video.readyState = 2; video.fire('waiting'); },
  'ends': async (video) => { video.ended = video.paused = true; video.fire('ended'); },
};

async function outage({ intervalMs, forMs, full, act, fromTheStart = false }) {
  const world = new World();
  const server = new Server(world, intervalMs);
  const limited = [];
  if (fromTheStart) world.goOffline();
  const { video, reporter } = await playing(world, { onLimit: (views) => limited.push(views) });
  video.duration = 1e6;
  // The first two heartbeats: the interval is the server's from the second on.
  if (!fromTheStart) await world.advance(intervalMs + 11_000, video);
  world.goOffline();
  await world.advance(forMs, video);
  server.full = full;
  await after[act](video);
  await settle();
  world.goOnline();
  await world.advance(5_000, video);
  return { world, server, limited, video, reporter };
}

for (const intervalMs of [1_000, 10_000, 60_000]) {
  for (const act of Object.keys(after)) {
    test(`intervals of ${intervalMs / 1000} s: after any outage a view that ${act} does not become active unasked, and nothing is lost`, async () => {
      for (const intervals of [1, 2.8, 3.5, 4.5, 7]) {
        for (const full of [true, false]) {
          for (const fromTheStart of [true, false]) {
            const which = `${intervals} intervals, ${full ? 'full' : 'free'}, ${fromTheStart ? 'from the start' : 'later'}`;
            const { world, server, limited, video } = await outage({ intervalMs, forMs: intervals * intervalMs, full, act, fromTheStart });
            assert.equal(server.unasked, 0, which);
            const reached = full && ((act === 'plays on' && (intervals > 3 || fromTheStart)) || (act === 'waits for data' && fromTheStart));
            assert.equal(limited.length, reached ? 1 : 0, which);
            assert.equal(video.paused, reached || act === 'is paused' || act === 'ends', which);
            if (act === 'plays on' && !full) assert.equal(server.active, true, which);
            if (reached) assert.equal(server.active, false, which);
            await world.advance(900_000);
            assert.equal(server.unasked, 0, `${which}, much later`);
            assert.equal(world.store.rows.size, 0, which);
            // Every number is there, but for those that the end of a refused view stands for.
            const sequences = new Set(server.taken.map((report) => report.sequence));
            const missing = Math.max(...sequences) + 1 - sequences.size;
            assert.ok(missing <= (reached ? 2 : 0), `${which}: ${missing} missing`);
            if (reached) {
              assert.equal(server.latest.state, 'stopped', which);
              assert.ok(server.latest.playhead_ms >= intervals * intervalMs, which);
            }
          }
        }
      }
    });
  }
}

test('a server that is long away is asked with what plays when it is back', async () => {
  const world = new World();
  const server = new Server(world, 1_000);
  const { video } = await playing(world);
  await world.advance(3_000, video);
  world.answer = () => null;
  await world.advance(200_000, video);
  server.full = true;
  const asked = [];
  world.answer = (request) => {
    if (request.method === 'PUT') asked.push(world.now - Date.parse(request.body.at));
    return server.answer(request);
  };
  await world.advance(100_000, video);
  assert.equal(server.unasked, 0);
  assert.equal(video.paused, true);
  assert.equal(asked.length, 1);
  assert.ok(asked[0] <= 1_000, `${asked[0]} ms old`);
  assert.equal(world.store.rows.size, 0);
});

test('what waits behind a refused start goes after the end of its view, also beside a take-over', async () => {
  const { world, server, reporter } = await outage({ intervalMs: 10_000, forMs: 45_000, full: true, act: 'plays on' });
  const ours = world.requests.slice(-3);
  assert.deepEqual(ours.map((one) => one.method), ['PUT', 'POST', 'POST']);
  assert.equal(ours[1].body.state, 'stopped');
  assert.equal(ours[2].body.every((report) => report.state === 'playing'), true);
  server.latest = null;
  server.full = false;
  assert.equal(await reporter.takeOver('w'), true);
});

test('a view that was ended from elsewhere meanwhile still gets what was played before that', async () => {
  const world = new World();
  const { video } = await playing(world);
  await world.advance(5_000, video);
  world.goOffline();
  await world.advance(60_000, video);
  world.answer = (request) => (request.method === 'PUT' ? problem('view-terminated', 410, { device: 'tv' }) : { status: 204 });
  world.requests = [];
  world.goOnline();
  await world.advance(2_000);
  assert.equal(video.paused, true);
  assert.deepEqual(world.requests.map((one) => one.method), ['PUT', 'POST']);
  assert.deepEqual(world.requests[1].body.map((report) => report.sequence), [2, 3, 4, 5, 6, 7]);
  assert.equal(world.store.rows.size, 0);
});
