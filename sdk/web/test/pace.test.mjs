// Back-off, its limits, and what Retry-After may say.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Pace, retryAfterMs } from '../dist/modules/pace.js';

const steady = () => new Pace(() => 0);

test('eight requests may follow each other at once, and then one each second', () => {
  const pace = steady();
  for (let number = 0; number < 8; number++) {
    assert.equal(pace.waitMs(1_000_000), 0, `request ${number}`);
    pace.succeeded(pace.sent(1_000_000));
  }
  assert.equal(pace.waitMs(1_000_000), 1_000);
  assert.equal(pace.waitMs(1_001_000), 0);
});

test('the back-off doubles from two seconds to a minute, and a success ends it', () => {
  const pace = steady();
  let now = 1_000_000;
  const waits = [];
  for (let number = 0; number < 7; number++) {
    pace.sent(now);
    pace.failed(now, null);
    waits.push(pace.waitMs(now));
    now += 1_000_000;
  }
  assert.deepEqual(waits, [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  pace.succeeded(pace.sent(now));
  assert.equal(pace.waitMs(now), 0);
});

test('each player waits a little longer by chance, at most a quarter', () => {
  const pace = new Pace(() => 1);
  pace.sent(1_000_000);
  pace.failed(1_000_000, null);
  assert.equal(pace.waitMs(1_000_000), 2_500);
});

test('what the server asks for is kept, up to ten minutes, and the network coming back does not shorten it', () => {
  const pace = steady();
  pace.sent(1_000_000);
  pace.failed(1_000_000, 30_000);
  assert.equal(pace.waitMs(1_000_000), 30_000);
  pace.hurry();
  assert.equal(pace.waitMs(1_000_000), 30_000);
  pace.failed(2_000_000, 86_400_000);
  assert.equal(pace.waitMs(2_000_000), 600_000);
  pace.failed(3_000_000, null);
  pace.hurry();
  assert.equal(pace.waitMs(3_000_000), 0, 'this one it was the network that failed');
});

test('seven requests without success are the most of any minute, however they were refused', () => {
  const pace = steady();
  let now = 1_000_000;
  for (let number = 0; number < 7; number++, now += 1_000) {
    assert.equal(pace.waitMs(now), 0, `request ${number}`);
    pace.sent(now);
    pace.refused();
  }
  assert.equal(pace.waitMs(now), 53_000, 'until a minute after the first');
});

test('after a failure one request goes ahead, and others of the page wait for what it learns', () => {
  const pace = steady();
  pace.sent(1_000_000);
  pace.failed(1_000_000, null);
  const probe = pace.sent(1_002_000);
  assert.equal(pace.waitMs(1_002_000), 4_000);
  pace.succeeded(probe);
  assert.equal(pace.waitMs(1_002_000), 0);
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-11-23T20:00:00Z');
  assert.equal(retryAfterMs('5', now), 5_000);
  assert.equal(retryAfterMs('0', now), 0);
  assert.equal(retryAfterMs('Mon, 23 Nov 2026 20:00:07 GMT', now), 7_000);
  assert.equal(retryAfterMs('Mon, 23 Nov 2026 19:00:00 GMT', now), 0);
  for (const nothing of [null, '', 'soon', '-3']) assert.equal(retryAfterMs(nothing, now), null, String(nothing));
});
