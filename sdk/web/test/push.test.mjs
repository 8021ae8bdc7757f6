// The stream of events that stops a player at once when another device takes over.

import assert from 'node:assert/strict';
import test from 'node:test';
import { World, playing, problem, settle } from './world.mjs';

// A server whose streams a test writes to.
function streaming(world) {
  const streams = [];
  const ports = world.ports();
  world.ports = () => ({
    ...ports,
    fetch: async (url, init) => {
      if (!url.endsWith('/viewers/stream')) return ports.fetch(url, init);
      const stream = { url, init };
      streams.push(stream);
      const body = new ReadableStream({
        start(controller) {
          stream.say = (text) => controller.enqueue(new TextEncoder().encode(text));
          stream.close = () => controller.close();
          init.signal.addEventListener('abort', () => { stream.aborted = true; });
        },
      });
      return new Response(body, { status: 200 });
    },
  });
  return streams;
}

const end = (view, reason) => `id: 1-2\nevent: end\ndata: {"view":"${view}","end_reason":"${reason}","at":"x"}\n\n`;

test('a take-over pauses the video at once, and the answer to the next report names the device', async () => {
  const world = new World();
  const streams = streaming(world);
  const seen = [];
  const { video } = await playing(world, { push: true, onTakenOver: (device) => seen.push(device) });
  assert.equal(streams.length, 1);
  streams[0].say('id: 1-1\nevent: snapshot\ndata: {"items":[]}\n\n' + end('other', 'terminated') + end('view-1', 'stopped'));
  await settle();
  assert.equal(video.paused, false);
  let answer;
  world.answer = () => new Promise((resolve) => { answer = resolve; });
  const [one, two] = [end('view-1', 'terminated').slice(0, 30), end('view-1', 'terminated').slice(30)];
  streams[0].say(one);
  await settle();
  streams[0].say(two);
  await settle();
  assert.equal(video.paused, true, 'before any answer');
  answer(problem('view-terminated', 410, { device: 'phone-1' }));
  await settle();
  assert.deepEqual(seen, ['phone-1']);
  assert.equal(streams[0].aborted, true);
});

test('without the option there is no stream', async () => {
  const world = new World();
  const streams = streaming(world);
  await playing(world);
  assert.equal(streams.length, 0);
});

test('a stream that breaks, or falls silent, is opened again with the next report that succeeds', async () => {
  const world = new World();
  const streams = streaming(world);
  const { video } = await playing(world, { push: true });
  streams[0].close();
  await world.advance(9_000, video);
  assert.equal(streams.length, 1);
  await world.advance(2_000, video);
  assert.equal(streams.length, 2);
  await world.advance(60_000, video);
  assert.equal(streams[1].aborted, true);
  assert.equal(streams.length, 3);
});

test('a stream that breaks at once is not opened again and again', async () => {
  const world = new World();
  const streams = streaming(world);
  const { video } = await playing(world, { push: true });
  let closed = 0;
  for (let second = 0; second < 60; second++) {
    while (closed < streams.length) streams[closed++].close();
    await settle();
    if (video.paused) await video.play();
    else video.pause();
    await world.advance(1_000, video);
  }
  assert.ok(streams.length >= 2 && streams.length <= 7, `${streams.length} in a minute`);
});
