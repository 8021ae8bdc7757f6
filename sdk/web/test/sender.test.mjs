// What goes to the server, in what order, and what is kept until it has answered.

import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeVideo, World, playing, problem, settle } from './world.mjs';

test('a view starts by PUT and goes on by POST, each report one number on', async () => {
  const world = new World();
  const { video } = await playing(world, { series: 's', nextTitle: 't2', deviceType: 'tv', creditsMs: 90_000.4 });
  await world.advance(10_000, video);
  const [start, next, beat] = world.requests;
  assert.equal(`${start.method} ${start.url}`, 'PUT http://server/v1/accounts/a/views/view-1');
  assert.equal(start.headers['Content-Type'], 'application/json');
  assert.deepEqual(start.body, {
    profile: 'p', title: 't', state: 'starting', at: '2026-11-23T20:00:00.000Z', started_at: '2026-11-23T20:00:00.000Z',
    sequence: 0, watched_ms: 0, device: 'browser-1', device_type: 'tv', series: 's', next_title: 't2',
    credits_ms: 90_000, duration_ms: 100_000, sent_at: '2026-11-23T20:00:00.000Z',
  });
  assert.equal(`${next.method} ${next.url}`, 'POST http://server/v1/reports');
  assert.deepEqual([next.body.account, next.body.view, next.body.state, next.body.sequence], ['a', 'view-1', 'playing', 1]);
  assert.deepEqual([beat.body.state, beat.body.sequence, beat.body.playhead_ms, beat.body.watched_ms],
    ['playing', 2, 10_000, 10_000]);
  assert.equal(world.requests.length, 3);
});

test('the server names the interval', async () => {
  const world = new World();
  world.answer = () => ({ status: 200, headers: { 'Playhead-Next-Report-Ms': '3000' } });
  const { video } = await playing(world);
  await world.advance(5_900, video);
  const before = world.requests.length;
  await world.advance(200, video);
  assert.equal(world.requests.length, before + 1);
  world.answer = () => ({ status: 204, headers: { 'Playhead-Next-Report-Ms': '1' } });
  await world.advance(3_000, video);
  world.requests = [];
  await world.advance(10_000, video);
  assert.ok(world.requests.length <= 11, 'an absurd interval is not believed');
});

test('reports that are made while one is under way follow it together', async () => {
  const world = new World();
  let answer;
  world.answer = () => new Promise((resolve) => { answer = resolve; });
  const { video } = await playing(world);
  video.pause();
  await world.advance(100);
  await video.play();
  await settle();
  assert.equal(world.requests.length, 1);
  world.answer = () => ({ status: 204 });
  answer({ status: 201 });
  await settle();
  assert.equal(world.requests.length, 2);
  assert.deepEqual(world.requests[1].body.map((report) => report.state), ['playing', 'paused', 'playing']);
});

test('a report whose answer is lost goes again, with a new sent_at and otherwise the same', async () => {
  const world = new World();
  const { video } = await playing(world);
  world.answer = () => null;
  video.pause();
  await settle();
  world.requests = [];
  await world.advance(2_500);
  world.answer = () => ({ status: 204 });
  await world.advance(10_000);
  const [first, again] = world.requests;
  assert.notEqual(first.body.sent_at, again.body.sent_at);
  assert.deepEqual({ ...first.body, sent_at: 0 }, { ...again.body, sent_at: 0 });
});

test('what is made offline waits; when the network is back the newest asks for the limit, and the rest follows in order', async () => {
  const world = new World();
  const { video } = await playing(world);
  await world.advance(5_000, video);
  world.goOffline();
  world.requests = [];
  await world.advance(60_000, video);
  assert.equal(world.requests.length, 0);
  assert.equal(world.store.rows.size, 6);
  world.goOnline();
  await settle();
  assert.deepEqual(world.requests.map((one) => one.method), ['PUT', 'POST']);
  const [asked, ...rest] = world.sent();
  assert.deepEqual([Date.parse(asked.at), asked.playhead_ms], [world.now, 65_000]);
  assert.deepEqual(rest.map((report) => report.sequence), [2, 3, 4, 5, 6, 7]);
  assert.equal(asked.sequence, 8);
  assert.equal(world.store.rows.size, 0);
});

test('a whole view that was made offline is taken without asking for the limit', async () => {
  const world = new World();
  world.goOffline();
  const { video } = await playing(world);
  await world.advance(15_000, video);
  video.pause();
  await world.advance(300_000);
  world.goOnline();
  await settle();
  // The last one is of now: a view that the server has not seen would be active by it.
  assert.deepEqual(world.requests.map((one) => one.method), ['POST', 'POST']);
  assert.deepEqual(world.states(), ['starting', 'playing', 'playing', 'paused', 'paused']);
});

test('another page sends what an earlier one could not, once it has nothing of its own', async () => {
  const world = new World();
  world.goOffline();
  const { video } = await playing(world);
  await world.advance(25_000, video);
  world.page.dispatchEvent(new Event('pagehide'));
  const left = world.store.rows.size;
  assert.equal(left, 5);

  const later = new World();
  later.now = world.now + 3_600_000;
  later.ids = 10;
  later.store = world.store;
  await playing(later);
  assert.deepEqual(later.requests.map((one) => one.method), ['PUT', 'POST', 'POST']);
  assert.deepEqual(later.requests[2].body.map((report) => report.view), Array(left).fill('view-1'));
  assert.deepEqual(later.requests[2].body.map((report) => report.sequence), [0, 1, 2, 3, 4]);
  assert.equal(later.store.rows.size, 0);
});

test('reports of another account, and those that are too old, are not sent', async () => {
  const world = new World();
  world.store.put({ account: 'b', view: 'x', at: '2026-11-23T19:00:00.000Z', sequence: 1, state: 'stopped' });
  world.store.put({ account: 'a', view: 'y', at: '2026-10-01T19:00:00.000Z', sequence: 1, state: 'stopped' });
  world.reporter(new FakeVideo());
  await settle();
  assert.equal(world.requests.length, 0);
  assert.deepEqual([...world.store.rows.values()].map((report) => report.view), ['x'], 'the old one is gone');
});

test('what another profile could not send waits for that profile, and its bounds hold over all of them', async () => {
  const world = new World();
  const kept = (profile, number) => ({
    account: 'a', profile, view: profile, state: 'paused', sequence: number,
    at: new Date(world.now - 86_400_000 + number * 1000).toISOString(),
  });
  for (let number = 0; number < 5_010; number++) world.store.put(kept(number % 2 ? 'p' : 'q', number));
  // What the server answers to a token of another profile.
  world.answer = (request) =>
    ([request.body].flat().some((report) => report.profile === 'q') ? problem('not-found', 404) : { status: 204 });
  world.reporter(new FakeVideo());
  await settle();
  assert.equal(world.store.rows.size, 5_000 - world.sent().length);
  await world.advance(60_000);
  assert.deepEqual(new Set(world.sent().map((report) => report.profile)), new Set(['p']));
  assert.equal(world.sent().length, 2_500);
  assert.deepEqual(new Set([...world.store.rows.values()].map((report) => report.profile)), new Set(['q']));
  world.answer = () => ({ status: 204 });
  world.reporter(new FakeVideo(), { profile: 'q' });
  await world.advance(60_000);
  assert.equal(world.store.rows.size, 0);
  assert.equal(world.sent().at(-1).profile, 'q');
});

for (const status of [401, 404, 422]) {
  test(`that a report of an earlier page gets ${status} is no word on a take-over under way`, async () => {
    const world = new World();
    world.store.put({ account: 'a', profile: 'p', view: 'old', at: '2026-11-23T19:00:00.000Z', sequence: 1, state: 'paused' });
    let answerOld;
    world.answer = (request) => (request.method === 'PUT' ? { status: 201 } : new Promise((resolve) => { answerOld = resolve; }));
    const problems = [];
    const video = new FakeVideo();
    video.ready();
    const reporter = world.reporter(video, { onProblem: (one) => problems.push(one.status) });
    await settle();
    const granted = reporter.takeOver('w');
    await settle();
    answerOld(problem('refused', status));
    world.answer = (request) => ({ status: request.method === 'PUT' ? 201 : 204 });
    await world.advance(5_000);
    assert.equal(await granted, true);
    assert.deepEqual(problems, []);
  });
}

test('a long time without a network keeps a thousand reports, and every change of state among them', async () => {
  const world = new World();
  world.answer = () => ({ status: 201, headers: { 'Playhead-Next-Report-Ms': '1000' } });
  const { video } = await playing(world);
  video.duration = 1e6;
  world.goOffline();
  for (let pressed = 0; pressed < 2; pressed++) {
    video.pause();
    await video.play();
  }
  await world.advance(1_100_000, video);
  video.pause();
  await settle();
  assert.equal(world.store.rows.size, 1_000);
  world.requests = [];
  world.goOnline();
  await world.advance(60_000);
  assert.deepEqual(world.states().filter((state) => state !== 'playing'), ['paused', 'paused', 'paused', 'paused']);
  for (const one of world.requests) assert.ok(JSON.stringify(one.body).length < 64 * 1024);
  const sequences = world.sent().map((report) => report.sequence);
  assert.equal(sequences.length, 1_000);
  assert.deepEqual(sequences, [...sequences].sort((one, other) => one - other));
});

test('a dragged slider reports where it has got to, not each place it came by', async () => {
  const world = new World();
  const { video } = await playing(world);
  let answer;
  world.answer = () => new Promise((resolve) => { answer = resolve; });
  video.seek(20);
  for (let to = 21; to < 60; to++) video.seek(to);
  video.arrive();
  await settle();
  world.answer = () => ({ status: 204 });
  answer({ status: 204 });
  await settle();
  const seeks = world.sent().filter((report) => report.state === 'seeking');
  assert.deepEqual(seeks.map((report) => report.playhead_ms), [20_000, 59_000]);
  assert.equal(world.states().at(-1), 'playing');
});

test('a view that was silent for longer than the server waits asks for the limit again', async () => {
  const world = new World();
  const { video } = await playing(world);
  video.pause();
  await world.advance(11 * 60_000);
  world.requests = [];
  await video.play();
  await settle();
  assert.deepEqual(world.requests.map((one) => `${one.method} ${one.url.split('/').at(-1)}`), ['PUT view-1']);
});

test('a paused view is silent, and one that is played again soon goes on by POST', async () => {
  const world = new World();
  const { video } = await playing(world);
  video.pause();
  await settle();
  world.requests = [];
  await world.advance(5 * 60_000);
  assert.equal(world.requests.length, 0);
  await video.play();
  await settle();
  assert.deepEqual(world.requests.map((one) => one.method), ['POST']);
});

test('the limit pauses the video, names who watches, and nothing more is sent', async () => {
  const world = new World();
  const views = [{ view: 'w', profile: 'q', title: 'u', device: 'tv', state: 'playing' }];
  world.answer = () => problem('view-limit', 409, { views });
  const seen = [];
  const { video, reporter } = await playing(world, { onLimit: (viewers) => seen.push(viewers) });
  assert.equal(video.paused, true);
  assert.deepEqual(seen, [views]);
  assert.equal(reporter.view, null);
  assert.equal(world.store.rows.size, 0);
  await world.advance(60_000);
  assert.equal(world.requests.length, 1);
});

test('taking over names the view that has to go, and plays once it was granted', async () => {
  const world = new World();
  world.answer = () => problem('view-limit', 409, { views: [] });
  const { video, reporter } = await playing(world);
  world.answer = (request) => ({ status: request.method === 'PUT' ? 201 : 204 });
  world.requests = [];
  assert.equal(await reporter.takeOver('w'), true);
  await settle();
  assert.equal(world.requests[0].url, 'http://server/v1/accounts/a/views/view-2?terminate=w');
  assert.equal(world.requests[1].method, 'POST', 'the view is taken over once');
  assert.equal(video.paused, false);
});

test('a take-over that is refused says so', async () => {
  const world = new World();
  world.answer = () => problem('view-limit', 409, { views: [] });
  const { video, reporter } = await playing(world);
  assert.equal(await reporter.takeOver('w'), false);
  assert.equal(video.paused, true);
});

test('a view that was taken over stops, names the device, and the next play starts another one', async () => {
  const world = new World();
  const seen = [];
  const { video } = await playing(world, { onTakenOver: (device) => seen.push(device) });
  world.answer = () => problem('view-terminated', 410, { device: 'phone-1' });
  await world.advance(10_000, video);
  assert.equal(video.paused, true);
  assert.deepEqual(seen, ['phone-1']);
  world.requests = [];
  await world.advance(60_000);
  assert.equal(world.requests.length, 0);
  world.answer = () => ({ status: 201 });
  await video.play();
  await settle();
  assert.equal(world.requests[0].url, 'http://server/v1/accounts/a/views/view-2');
  assert.equal(world.requests[0].body.watched_ms, 0);
});

test('an answer that comes for a view which is over does not end the one that plays now', async () => {
  for (const late of [problem('view-limit', 409, { views: [] }), problem('view-terminated', 410)]) {
    const world = new World();
    let answer;
    world.answer = () => new Promise((resolve) => { answer = resolve; });
    const seen = [];
    const { reporter } = await playing(world, { onLimit: () => seen.push('limit'), onTakenOver: () => seen.push('taken over') });
    world.page.dispatchEvent(new Event('pagehide'));
    world.page.dispatchEvent(new Event('pageshow'));
    world.answer = () => ({ status: 201 });
    answer(late);
    await settle();
    assert.deepEqual(seen, []);
    assert.equal(reporter.view, 'view-2');
    assert.equal(world.requests.at(-1).body.view ?? 'view-2', 'view-2');
    assert.equal(world.store.rows.size, 0);
  }
});

test('of a batch each report is taken, given up or sent again as the server says of it', async () => {
  const world = new World();
  const problems = [];
  const { video } = await playing(world, { onProblem: (one) => problems.push(one.status) });
  await world.advance(5_000, video);
  world.goOffline();
  video.pause();
  await video.play();
  video.pause();
  world.answer = () => ({
    status: 200,
    body: {
      accepted: 1,
      rejected: [
        { index: 0, problem: { type: '/problems/unprocessable', title: '', status: 422, code: 10, retryable: false } },
        { index: 2, problem: { type: '/problems/overloaded', title: '', status: 503, code: 5, retryable: true } },
      ],
    },
  });
  world.goOnline();
  await settle();
  const batch = world.requests.at(-1).body;
  assert.equal(batch.length, 4);
  assert.deepEqual(problems, [422]);
  world.answer = () => ({ status: 204 });
  world.requests = [];
  await world.advance(3_000);
  assert.deepEqual(world.sent().map((report) => report.sequence), [batch[2].sequence]);
});

test('a take-over that is told in a batch stops the video as well', async () => {
  const world = new World();
  const seen = [];
  const { video } = await playing(world, { onTakenOver: (device) => seen.push(device) });
  world.goOffline();
  video.pause();
  await video.play();
  const gone = { type: '/problems/view-terminated', title: '', status: 410, code: 8, retryable: false, device: 'tv' };
  world.answer = (request) => ({
    status: 200, body: { accepted: 0, rejected: request.body.map((_, index) => ({ index, problem: gone })) },
  });
  world.goOnline();
  await settle();
  assert.deepEqual(seen, ['tv']);
  assert.equal(video.paused, true);
});

test('an earlier page whose view was taken over disturbs nobody', async () => {
  const world = new World();
  world.store.put({ account: 'a', profile: 'p', view: 'old', at: '2026-11-23T19:00:00.000Z', sequence: 1, state: 'paused' });
  world.answer = (request) =>
    (request.method === 'PUT' ? { status: 201 } : request.body.view === 'old' ? problem('view-terminated', 410) : { status: 204 });
  const seen = [];
  const { video } = await playing(world, { onTakenOver: () => seen.push(1), onProblem: () => seen.push(2) });
  assert.deepEqual(seen, []);
  assert.equal(video.paused, false);
  assert.equal(world.store.rows.size, 0);
});

test('a report that contradicts its view is given up and told', async () => {
  const world = new World();
  const problems = [];
  world.answer = () => problem('view-conflict', 422);
  await playing(world, { onProblem: (one) => problems.push(one.type) });
  assert.equal(problems[0], '/problems/view-conflict');
});

test('a request without an answer is given up after ten seconds, and sent again', async () => {
  const world = new World();
  const ports = world.ports();
  world.ports = () => ({
    ...ports,
    fetch: (url, init) => {
      world.requests.push({ at: world.now, url });
      return new Promise((_, reject) => init.signal.addEventListener('abort', () => reject(new Error('aborted'))));
    },
  });
  await playing(world);
  await world.advance(9_900);
  assert.equal(world.requests.length, 1);
  await world.advance(4_000);
  assert.equal(world.requests.length, 2);
});

test('a function that never gets a token is given up after ten seconds, and asked again', async () => {
  const world = new World();
  let asked = 0;
  await playing(world, { token: () => (++asked === 1 ? new Promise(() => undefined) : 'two') });
  await world.advance(9_900);
  assert.equal(world.requests.length, 0);
  await world.advance(4_000);
  assert.equal(world.requests[0]?.headers.Authorization, 'Bearer two');
  assert.equal(world.store.rows.size, 0);
});

test('a token goes with each request, and one that ran out is asked for anew', async () => {
  const world = new World();
  let token = 'one';
  world.answer = (request) => (request.headers.Authorization === 'Bearer two' ? { status: 201 } : problem('unauthorized', 401));
  await playing(world, { token: async () => token });
  assert.equal(world.requests[0].headers.Authorization, 'Bearer one');
  token = 'two';
  await world.advance(2_500);
  assert.equal(world.requests[1].headers.Authorization, 'Bearer two');
  assert.equal(world.store.rows.size, 0);
});
