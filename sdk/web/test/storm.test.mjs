// No storm, ever: whatever a server answers, and whatever the viewer does, no minute sees more than
// eight requests.

import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeVideo, World, playing, problem, settle } from './world.mjs';

const REQUESTS_A_MINUTE_MAX = 8;

const bad = {
  409: () => problem('view-limit', 409, { views: [] }),
  410: () => problem('view-terminated', 410, { device: 'tv' }),
  422: () => problem('view-conflict', 422),
  401: () => problem('unauthorized', 401),
  403: () => problem('forbidden', 403),
  429: () => ({ ...problem('too-many-requests', 429, { retryable: true }), headers: { 'Retry-After': '1' } }),
  500: () => problem('damaged', 500),
  503: () => ({ ...problem('overloaded', 503, { retryable: true }), headers: { 'Retry-After': '2' } }),
  'no answer': () => null,
};

for (const [status, answer] of Object.entries(bad)) {
  test(`a server that answers ${status} from the start`, async () => {
    const world = new World();
    world.answer = answer;
    const { video } = await playing(world, { push: true });
    await world.advance(300_000, video);
    assert.ok(world.requests.length >= 1);
    assert.ok(world.busiestMinute() <= REQUESTS_A_MINUTE_MAX, `${world.busiestMinute()} in a minute`);
  });

  test(`a server that answers ${status} after a good start, to a viewer who pauses, plays and seeks each second`, async () => {
    const world = new World();
    const { video } = await playing(world, { push: true });
    await world.advance(20_000, video);
    assert.equal(world.requests.some((one) => one.method === 'PUT'), true);
    world.answer = answer;
    world.requests = [];
    for (let second = 0; second < 180; second++) {
      if (second % 3 === 0) video.pause();
      else if (second % 3 === 1) await video.play();
      else { video.seek(second % 90); video.arrive(); }
      if (second % 10 === 9) {
        world.document.hidden = true;
        world.document.dispatchEvent(new Event('visibilitychange'));
        world.document.hidden = false;
      }
      await world.advance(1_000, video);
    }
    world.page.dispatchEvent(new Event('pagehide'));
    await settle();
    assert.ok(world.requests.length >= 1);
    assert.ok(world.busiestMinute() <= REQUESTS_A_MINUTE_MAX, `${world.busiestMinute()} in a minute`);
  });
}

test('a page that shows one video after the other through an outage asks no more often', async () => {
  const world = new World();
  world.answer = bad[500];
  for (let number = 0; number < 12; number++) {
    const video = new FakeVideo();
    const reporter = world.reporter(video, { title: `t${number}` });
    reporter.resume().catch(() => undefined);
    video.ready();
    await video.play();
    await world.advance(10_000, video);
    reporter.stop();
    video.pause();
  }
  await world.advance(60_000);
  assert.ok(world.busiestMinute() <= REQUESTS_A_MINUTE_MAX, `${world.busiestMinute()} in a minute`);
});

test('a server that comes back gets what it missed, the newest first and the others in order', async () => {
  const world = new World();
  const { video } = await playing(world);
  world.answer = bad[503];
  await world.advance(45_000, video);
  world.answer = (request) => ({ status: request.method === 'PUT' ? 200 : 204 });
  world.requests = [];
  await world.advance(60_000, video);
  const [newest, ...sequences] = world.sent().map((report) => report.sequence);
  assert.deepEqual(sequences.filter((one) => one < newest), Array.from({ length: newest - sequences[0] }, (_, place) => sequences[0] + place));
  assert.deepEqual(sequences, [...sequences].sort((one, other) => one - other));
  assert.equal(new Set(sequences).size, sequences.at(-1) - sequences[0], 'none is missing');
  assert.ok(sequences.length >= 9);
  assert.equal(world.store.rows.size, 0, 'nothing waits any more');
});
