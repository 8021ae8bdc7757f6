// What a video does, and what is said of it.

import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeVideo, World, playing, settle } from './world.mjs';

const last = (world) => world.sent().at(-1);

test('nothing is said before the first play', async () => {
  const world = new World();
  const video = new FakeVideo();
  world.reporter(video);
  video.ready();
  await world.advance(60_000);
  assert.equal(world.requests.length, 0);
});

test('play, pause, seek, wait and end are said when they happen, with the position', async () => {
  const world = new World();
  const { video } = await playing(world);
  await world.advance(4_000, video);
  video.pause();
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms, last(world).watched_ms], ['paused', 4_000, 4_000]);
  await world.advance(30_000);
  video.seek(50);
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms], ['seeking', 50_000]);
  video.arrive();
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms, last(world).watched_ms], ['paused', 50_000, 4_000]);
  await video.play();
  await world.advance(3_000, video);
  video.readyState = 2;
  video.fire('waiting');
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms, last(world).watched_ms], ['rebuffering', 53_000, 7_000]);
  await world.advance(5_000);
  video.readyState = 4;
  video.fire('playing');
  await settle();
  assert.equal(last(world).state, 'playing');
  video.currentTime = 100.02;
  video.ended = true;
  video.paused = true;
  video.fire('pause', 'ended');
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms], ['completed', 100_000], 'not beyond the duration');
  const length = world.sent().length;
  await world.advance(120_000);
  assert.equal(world.sent().length, length, 'and then nothing');
});

test('playing again after the end is another view', async () => {
  const world = new World();
  const { video, reporter } = await playing(world);
  video.ended = video.paused = true;
  video.fire('ended');
  await settle();
  assert.equal(reporter.view, null);
  video.ended = false;
  await video.play();
  await settle();
  assert.equal(reporter.view, 'view-2');
  assert.equal(world.requests.at(-2).method, 'PUT');
});

test('an error of the media is a failure', async () => {
  const world = new World();
  const { video } = await playing(world);
  video.error = { code: 3 };
  video.fire('error');
  await settle();
  assert.equal(last(world).state, 'failed');
});

test('twice the rate is twice the media', async () => {
  const world = new World();
  const { video } = await playing(world);
  video.playbackRate = 2;
  for (let step = 0; step < 20; step++) {
    await world.advance(250);
    video.currentTime += 0.5;
    video.fire('timeupdate');
  }
  video.pause();
  await settle();
  assert.equal(last(world).watched_ms, 10_000);
});

test('a seek in the middle of play is nothing that was played', async () => {
  const world = new World();
  const { video } = await playing(world);
  await world.advance(5_000, video);
  video.seek(80);
  video.arrive();
  await world.advance(3_000, video);
  video.pause();
  await settle();
  assert.deepEqual([last(world).playhead_ms, last(world).watched_ms], [83_000, 8_000]);
});

test('until it has sought to the resume point it tells no position, and counts nothing', async () => {
  const world = new World();
  let position;
  world.answer = (request) =>
    (request.method === 'GET' ? new Promise((resolve) => { position = resolve; }) : { status: 204 });
  const video = new FakeVideo();
  const reporter = world.reporter(video);
  const resumed = reporter.resume();
  video.ready();
  await video.play();
  await world.advance(6_000, video);
  assert.deepEqual(world.states(), ['starting']);
  assert.equal('playhead_ms' in last(world), false);
  position({ status: 200, body: { items: [{ playhead_ms: 42_000 }] } });
  await settle();
  assert.equal(video.currentTime, 42);
  video.seeking = true;
  video.fire('seeking');
  await settle();
  assert.deepEqual(world.states(), ['starting']);
  video.arrive();
  assert.equal(await resumed, 42_000);
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms, last(world).watched_ms], ['playing', 42_000, 0]);
  assert.equal(world.requests[0].url, 'http://server/v1/accounts/a/profiles/p/progress?title=t');
});

test('a viewer who leaves before the seek moves nothing', async () => {
  const world = new World();
  world.answer = (request) => (request.method === 'GET' ? new Promise(() => undefined) : { status: 204 });
  const video = new FakeVideo();
  const reporter = world.reporter(video);
  void reporter.resume();
  video.ready();
  await video.play();
  await world.advance(3_000, video);
  world.page.dispatchEvent(new Event('pagehide'));
  const [goodbye] = world.beacons;
  assert.equal(goodbye.body.at(-1).state, 'stopped');
  for (const report of goodbye.body) assert.equal('playhead_ms' in report, false);
});

test('it waits for the media before it seeks', async () => {
  const world = new World();
  world.answer = () => ({ status: 200, body: { items: [{ playhead_ms: 42_000 }] } });
  const video = new FakeVideo();
  const resumed = world.reporter(video).resume();
  await settle();
  assert.equal(video.currentTime, 0);
  video.ready();
  await settle();
  assert.equal(video.currentTime, 42);
  video.arrive();
  assert.equal(await resumed, 42_000);
});

test('it has a video without preload read what it needs to seek', async () => {
  const world = new World();
  world.answer = () => ({ status: 200, body: { items: [{ playhead_ms: 42_000 }] } });
  const video = new FakeVideo();
  Object.defineProperty(video, 'preload', { get: () => video.preloads ?? 'none', set: (to) => { video.preloads = to; video.ready(); } });
  const resumed = world.reporter(video).resume();
  await settle();
  assert.equal(video.preloads, 'metadata');
  video.arrive();
  assert.equal(await resumed, 42_000);
});

test('a video that can not seek in time lets the page go on, and seeks before anything counts as played', async () => {
  const world = new World();
  world.answer = (request) =>
    (request.method === 'GET' ? { status: 200, body: { items: [{ playhead_ms: 42_000 }] } } : { status: 201 });
  const video = new FakeVideo();
  let resumed = null;
  void world.reporter(video).resume().then((at) => { resumed = at; });
  await world.advance(14_900);
  assert.equal(resumed, null);
  await world.advance(200);
  assert.equal(resumed, 42_000);
  assert.equal(video.currentTime, 0);
  await video.play();
  video.ready();
  await settle();
  assert.equal(video.currentTime, 42);
  assert.deepEqual(world.states(), ['starting']);
  video.arrive();
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms, last(world).watched_ms], ['playing', 42_000, 0]);
  assert.equal(world.timers.length, 1, 'the heartbeat');
});

test('a reporter that was stopped seeks no more: the video may show another title by now', async () => {
  const world = new World();
  world.answer = () => ({ status: 200, body: { items: [{ playhead_ms: 42_000 }] } });
  const video = new FakeVideo();
  const reporter = world.reporter(video);
  void reporter.resume();
  await settle();
  reporter.stop();
  video.ready();
  await settle();
  assert.equal(video.currentTime, 0);
});

test('it seeks again where a player that is still starting seeks to its own beginning', async () => {
  const world = new World();
  world.answer = () => ({ status: 200, body: { items: [{ playhead_ms: 42_000 }] } });
  const video = new FakeVideo();
  video.ready();
  let resumed = null;
  void world.reporter(video).resume().then((at) => { resumed = at; });
  await settle();
  assert.equal(video.currentTime, 42);
  video.seek(0);
  video.arrive();
  await settle();
  assert.equal(resumed, null);
  assert.equal(video.currentTime, 42);
  video.arrive();
  await settle();
  assert.equal(resumed, 42_000);
});

test('it does not seek for ever', async () => {
  const world = new World();
  world.answer = () => ({ status: 200, body: { items: [{ playhead_ms: 42_000 }] } });
  const video = new FakeVideo();
  video.ready();
  let resumed = false;
  void world.reporter(video).resume().then(() => { resumed = true; });
  await settle();
  let tried = 0;
  for (; !resumed && tried < 20; tried++) {
    video.seek(0);
    video.arrive();
    await settle();
  }
  assert.equal(tried, 5);
});

test('a title without a position, or a finished one, begins at its start', async () => {
  const world = new World();
  const video = new FakeVideo();
  const reporter = world.reporter(video);
  world.answer = () => ({ status: 200, body: { items: [] } });
  assert.equal(await reporter.resume(), null);
  world.answer = () => ({ status: 200, body: { items: [{ playhead_ms: null, finished: true }] } });
  assert.equal(await reporter.resume(), null);
  assert.equal(video.currentTime, 0);
});

test('a position that can not be read is an error after fifteen seconds, and says what to do', async () => {
  const world = new World();
  world.answer = () => null;
  const resumed = world.reporter(new FakeVideo()).resume();
  const failed = assert.rejects(resumed, /could not be read: there was no answer; call resume\(\) again/);
  await world.advance(15_000);
  await failed;
  assert.equal(world.requests.length, 4);
});

test('advertising is said, and is no part of the title', async () => {
  const world = new World();
  const { video, reporter } = await playing(world);
  await world.advance(5_000, video);
  reporter.ad(true);
  await settle();
  video.currentTime = 0;
  await world.advance(20_000, video);
  assert.deepEqual([last(world).state, last(world).playhead_ms, last(world).watched_ms], ['ad', 5_000, 5_000]);
  video.currentTime = 5;
  reporter.ad(false);
  await world.advance(2_000, video);
  video.pause();
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms, last(world).watched_ms], ['paused', 7_000, 7_000]);
});

test('a viewer who leaves in an advertisement before the title tells no position', async () => {
  const world = new World();
  const video = new FakeVideo();
  const reporter = world.reporter(video);
  reporter.ad(true);
  video.ready();
  await video.play();
  await world.advance(5_000, video);
  reporter.stop();
  await settle();
  assert.deepEqual(world.states(), ['starting', 'ad', 'stopped']);
  for (const report of world.sent()) assert.equal('playhead_ms' in report, false);
});

test('live is told by its state and kind, without a position', async () => {
  const world = new World();
  const { video } = await playing(world, { kind: 'live', record: false });
  await world.advance(10_000, video);
  assert.equal(last(world).kind, 'live');
  assert.equal(last(world).record, false);
  for (const report of world.sent()) {
    assert.equal('playhead_ms' in report, false);
    assert.equal('duration_ms' in report, false);
  }
});

test('a player that takes the media away does not set the position back', async () => {
  const world = new World();
  const { video, reporter } = await playing(world);
  await world.advance(30_000, video);
  video.readyState = 0;
  video.currentTime = 0;
  video.paused = true;
  video.fire('emptied', 'timeupdate', 'pause');
  reporter.stop();
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms], ['stopped', 30_000]);
});

test('a player that puts the media back after an error goes on where it was', async () => {
  const world = new World();
  const { video } = await playing(world);
  await world.advance(30_000, video);
  video.readyState = 0;
  video.currentTime = 0;
  video.fire('emptied', 'waiting');
  await settle();
  video.readyState = 4;
  video.fire('loadedmetadata', 'timeupdate');
  world.document.hidden = true;
  world.document.dispatchEvent(new Event('visibilitychange'));
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms], ['rebuffering', 30_000]);
  video.currentTime = 30;
  video.fire('seeking', 'seeked', 'playing');
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms, last(world).watched_ms], ['playing', 30_000, 30_000]);
});

test('a page that goes leaves one beacon, with all that was not answered', async () => {
  const world = new World();
  const { video } = await playing(world);
  await world.advance(4_000, video);
  world.answer = () => new Promise(() => undefined);
  video.pause();
  await video.play();
  await world.advance(2_000, video);
  const requests = world.requests.length;
  world.page.dispatchEvent(new Event('pagehide'));
  await settle();
  assert.equal(world.requests.length, requests, 'nothing beside it');
  assert.equal(world.beacons.length, 1);
  assert.equal(world.beacons[0].url, 'http://server/v1/reports');
  assert.deepEqual(world.beacons[0].body.map((report) => report.state), ['paused', 'playing', 'stopped']);
  assert.equal(world.beacons[0].body.at(-1).playhead_ms, 6_000);
});

test('with a token the last report is a request that outlives the page', async () => {
  const world = new World();
  const inits = [];
  const ports = world.ports();
  world.ports = () => ({ ...ports, fetch: (url, init) => { inits.push(init); return ports.fetch(url, init); } });
  await playing(world, { token: 'secret' });
  world.page.dispatchEvent(new Event('pagehide'));
  await settle();
  assert.equal(world.beacons.length, 0);
  const init = inits.at(-1);
  assert.deepEqual([init.keepalive, init.headers['Content-Type'], init.headers.Authorization],
    [true, 'text/plain', 'Bearer secret']);
});

test('a page that is hidden says where it is, and goes on', async () => {
  const world = new World();
  const { video, reporter } = await playing(world);
  await world.advance(3_000, video);
  world.document.hidden = true;
  world.document.dispatchEvent(new Event('visibilitychange'));
  await settle();
  assert.deepEqual([last(world).state, last(world).playhead_ms], ['playing', 3_000]);
  assert.equal(reporter.view, 'view-1');
});

test('a page that comes back from the cache starts another view', async () => {
  const world = new World();
  const { reporter } = await playing(world);
  world.page.dispatchEvent(new Event('pagehide'));
  assert.equal(reporter.view, null);
  world.page.dispatchEvent(new Event('pageshow'));
  await settle();
  assert.equal(reporter.view, 'view-2');
});

test('a reporter that was stopped says so once, and hears nothing more', async () => {
  const world = new World();
  const { video, reporter } = await playing(world);
  reporter.stop();
  reporter.stop();
  video.pause();
  await video.play();
  await world.advance(60_000, video);
  assert.deepEqual(world.states(), ['starting', 'playing', 'stopped']);
});

test('a viewer who pauses before anything is shown holds no place among the streams', async () => {
  const world = new World();
  const video = new FakeVideo();
  world.reporter(video);
  await video.play();
  video.pause();
  await world.advance(60_000);
  assert.deepEqual(world.states(), ['starting', 'paused']);
});
