// Goal: @playhead/reporter keeps its promises in a real browser, against a real server.
// Method: viewers in browser contexts of their own play a clip of a minute; what the server then says
// is held against what the video showed. PLAYERS_RUNS repeats each claim; each run has an account of its own.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Viewer, launch } from './browser.mjs';
import { Playhead } from './playhead.mjs';
import { Faulty, Site } from './site.mjs';
import { eventually, spend } from './wait.mjs';

const runs = Number(process.env.PLAYERS_RUNS ?? 2);
const minuteMs = Number(process.env.PLAYERS_MINUTE_S ?? 15) * 1000;
const INTERVAL_MS = 3_000;
const kinds = ['video', 'dashjs', 'hlsjs', 'shaka'];
const origin = process.pid.toString(36);

let browser, site, server, limited;
test.before(async () => {
  [browser, site] = await Promise.all([launch(), Site.start()]);
  const common = `[http]\ncors_origins = ["${site.url}"]\n[viewing]\nqualify_ms = 2000\n`;
  [server, limited] = await Promise.all([
    Playhead.start(common),
    Playhead.start(`${common}[auth]\nstream_limit = 2\n[shard]\nreport_interval_ms = ${INTERVAL_MS}\n`),
  ]);
});
test.after(async () => {
  await browser?.close();
  await Promise.all([site?.stop(), server?.stop(), limited?.stop()]);
});

let accounts = 0;
const fresh = () => `account-${origin}-${++accounts}`;

function address(account, { kind = 'video', device = 'browser-1', at = server, push = 'no' } = {}) {
  return `${site.url}/pages/watch.html?${new URLSearchParams({ server: at.url, account, player: kind, device, push })}`;
}

const open = (account, options, prepare) => Viewer.open(browser, address(account, options), prepare);

/** The worst of the runs, for the log. */
function worst(values) {
  return `${Math.round(Math.max(...values))} ms at worst of ${values.length}`;
}

/** History says that the view was left at a position, in seconds; its entry. */
function arrives(account, view, at) {
  return eventually(async () => {
    const entry = (await server.history(account)).find((one) => one.view === view);
    return entry && Math.abs(entry.playhead_ms - at * 1000) < 50 && entry;
  }, `view ${view} was left at ${at} s`);
}

/** Waits until all of the clip is in the browser, which then can do without a network. */
function buffered(viewer) {
  return viewer.until(() => video.buffered.length && video.buffered.end(0) > video.duration - 1);
}

// Most of these is waiting until something has been played, so they are run beside each other.
test.describe('playing', { concurrency: 3 }, () => {
  test('what was played offline arrives later, and a newer position of another device is kept', async () => {
    const account = fresh();
    const viewer = await open(account, { device: 'train' });
    await viewer.play();
    await buffered(viewer);
    const view = await viewer.view();
    await viewer.context.setOffline(true);
    const from = await viewer.at();
    await viewer.playedTo(from + 4);
    await viewer.do(() => video.pause());
    const pausedAt = await viewer.at();
    await spend(Math.max(0, minuteMs - 4000));
    assert.notEqual((await server.view(account, view)).playhead_ms, Math.round(pausedAt * 1000));
    await server.device(account, 'newer', { device: 'tv', agoMs: 3000, fromMs: 50_000, forMs: 2900, state: 'stopped' });
    await viewer.context.setOffline(false);
    const arrived = await arrives(account, view, pausedAt);
    assert.ok(arrived.watched_ms >= 4000, `${arrived.watched_ms} ms were played`);
    assert.equal((await server.progress(account)).playhead_ms, 52_900);
    await viewer.close();
  });

  test(`a server that answers 409, 410, 429 or 500 for ${minuteMs / 1000} s gets at most eight requests from a viewer who presses buttons`, async (t) => {
    const counts = await Promise.all([409, 410, 429, 500].map(async (status) => {
      const faulty = await Faulty.start();
      const viewer = await open(fresh(), { at: faulty });
      await viewer.play();
      await eventually(() => faulty.requests.some((one) => one.method === 'POST'), 'it reports');
      faulty.status = status;
      faulty.requests.length = 0;
      await viewer.do(() => fidget(700));
      await spend(minuteMs);
      const count = faulty.requests.length;
      await viewer.close();
      await faulty.stop();
      return { status, count };
    }));
    t.diagnostic(counts.map(({ status, count }) => `${status}: ${count}`).join(', '));
    for (const { status, count } of counts) assert.ok(count >= 2 && count <= 8, `${status}: ${count}`);
  });

  for (const [place, kind] of kinds.entries()) {
    const other = kinds[(place + 1) % kinds.length];
    test(`${kind}: plays, seeks, pauses and closes; ${other} on another device resumes within a second of it`, async (t) => {
      const off = [];
      for (let run = 0; run < runs; run++) {
        const account = fresh();
        const first = await open(account, { kind, device: 'first' });
        await first.play();
        await first.playedTo(0.5);
        await first.do(() => { video.currentTime = 20 + Math.random() * 20; });
        await first.until(() => !video.seeking);
        const from = await first.at();
        await first.playedTo(from + 2.5);
        const view = await first.view();
        await first.do(() => video.pause());
        const stoppedAt = await first.at();
        await first.closeTab();
        assert.equal((await server.ended(account, view)).end_reason, 'stopped');

        const second = await open(account, { kind: other, device: 'second' });
        const began = await second.resume();
        off.push(Math.abs(began - stoppedAt) * 1000);
        await second.playedTo(began + 0.2);
        const saved = await server.progress(account);
        assert.ok(Math.abs(saved.playhead_ms - stoppedAt * 1000) < 1000, 'the resumed view sets nothing back');
        assert.deepEqual([...first.complaints, ...second.complaints], []);
        await Promise.all([first.close(), second.close()]);
      }
      t.diagnostic(`resumed off by ${worst(off)}`);
      assert.ok(Math.max(...off) < 1000, String(off));
    });
  }

  test('a tab that is closed in the middle of play leaves a position at most two seconds old', async (t) => {
    const off = [];
    for (let run = 0; run < runs; run++) {
      const account = fresh();
      const viewer = await open(account);
      await viewer.play();
      await viewer.playedTo(3 + Math.random() * 2);
      const view = await viewer.view();
      const closedAt = await viewer.at();
      await viewer.closeTab();
      const ended = await server.ended(account, view);
      assert.equal(ended.end_reason, 'stopped');
      const saved = await server.progress(account);
      off.push(Math.abs(saved.playhead_ms - closedAt * 1000));
      assert.deepEqual(viewer.complaints, []);
      await viewer.close();
    }
    t.diagnostic(`saved off by ${worst(off)}`);
    assert.ok(Math.max(...off) <= 2000, String(off));
  });

  test('a video without preload is resumed before it is played', async () => {
    const account = fresh();
    await server.device(account, 'earlier', { device: 'tv', agoMs: 60_000, fromMs: 20_000, forMs: 10_000, state: 'stopped' });
    const viewer = await open(account);
    const resumed = await viewer.do(async () => {
      video.preload = 'none';
      video.src = `${video.src}?again`;
      return { before: video.readyState, to: await reporter.resume(), at: video.currentTime, paused: video.paused };
    });
    assert.deepEqual(resumed, { before: 0, to: 30_000, at: 30, paused: true });
    await viewer.close();
  });

  test('a viewer who leaves before the seek to the resume point leaves the saved position alone', async () => {
    for (let run = 0; run < runs; run++) {
      const account = fresh();
      await server.device(account, 'earlier', { device: 'tv', agoMs: 60_000, fromMs: 20_000, forMs: 10_000, state: 'stopped' });
      const before = await server.progress(account);
      assert.equal(before.playhead_ms, 30_000);
      let asked;
      const held = new Promise((resolve) => { asked = resolve; });
      const viewer = await open(account, {}, (page) => page.route('**/progress?title=clip', () => asked()));
      await viewer.do(() => {
        void video.play();
        void reporter.resume().catch(() => undefined);
      });
      await held;
      // Every other one stays for longer than a view needs to count.
      await viewer.playedTo(run % 2 ? 0.1 : 2.5);
      const view = await viewer.view();
      await viewer.closeTab();
      assert.equal((await server.ended(account, view)).end_reason, 'stopped');
      assert.deepEqual({ ...await server.progress(account), as_of: 0 }, { ...before, as_of: 0 });
      await viewer.close();
    }
  });

  test('what a page could not send before it was closed, the next page sends', async () => {
    const account = fresh();
    const viewer = await open(account);
    await viewer.play();
    await buffered(viewer);
    const view = await viewer.view();
    await viewer.context.setOffline(true);
    const from = await viewer.at();
    await viewer.playedTo(from + 3);
    await viewer.do(() => video.pause());
    const pausedAt = await viewer.at();
    await viewer.closeTab();
    await viewer.context.setOffline(false);
    const page = await viewer.context.newPage();
    await page.goto(address(account));
    const arrived = await arrives(account, view, pausedAt);
    assert.ok(arrived.watched_ms >= 3000, `${arrived.watched_ms} ms were played`);
    await viewer.close();
  });
});

test('a start, a pause, a seek and an end are seen by others within half a second', async (t) => {
  const late = [];
  for (let run = 0; run < runs; run++) {
    const account = fresh();
    const viewer = await open(account);
    const seen = [];
    const watcher = await Viewer.open(browser, `${site.url}/pages/blank.html`);
    await watcher.page.exposeFunction('seen', (name, data) => seen.push({ name, data, at: Date.now() }));
    await watcher.do(async (url) => {
      const stream = new EventSource(url);
      for (const name of ['view', 'end']) stream.addEventListener(name, (event) => window.seen(name, JSON.parse(event.data)));
      await new Promise((resolve) => { stream.addEventListener('snapshot', resolve, { once: true }); });
    }, `${server.url}/v1/accounts/${account}/viewers/stream`);
    const measure = async (act, found, what) => {
      const from = await viewer.do(act);
      const event = await eventually(() => seen.find((one) => one.at >= from && found(one)), what);
      late.push(event.at - from);
    };
    const state = (wanted) => (one) => one.name === 'view' && one.data.state === wanted;
    await measure(async () => { const at = Date.now(); await video.play(); return at; }, state('starting'), 'a start');
    await eventually(() => seen.find(state('playing')), 'it plays');
    await measure(() => { const at = Date.now(); video.pause(); return at; }, state('paused'), 'a pause');
    await measure(() => { const at = Date.now(); video.currentTime = 30; return at; }, state('seeking'), 'a seek');
    await measure(() => { const at = Date.now(); reporter.stop(); return at; }, (one) => one.name === 'end', 'an end');
    assert.deepEqual([...viewer.complaints, ...watcher.complaints], []);
    await Promise.all([viewer.close(), watcher.close()]);
  }
  t.diagnostic(`seen after ${worst(late)}`);
  assert.ok(Math.max(...late) < 500, String(late));
});

for (const push of ['yes', 'no']) {
  const within = push === 'yes' ? 2000 : INTERVAL_MS + 1000;
  test(`at the limit it says who watches; taking over stops the other player ${push === 'yes' ? 'at once' : 'at its next report'}`, async (t) => {
    const took = [];
    for (let run = 0; run < runs; run++) {
      const account = fresh();
      const at = limited;
      const first = await open(account, { at, device: 'first', push });
      await first.play();
      const firstView = await first.view();
      await eventually(async () => (await at.viewers(account)).some((one) => one.state === 'playing'), 'the first plays');
      await at.device(account, 'second', { device: 'second', agoMs: 500, fromMs: 0, forMs: 400, title: 'other' });

      const third = await open(account, { at, device: 'third', push });
      await third.do(() => video.play().catch(() => undefined));
      const limit = await third.heard('limit');
      assert.deepEqual(limit.value.map((one) => one.device).sort(), ['first', 'second']);
      assert.equal(limit.paused, true, 'it was stopped before it was told');
      assert.equal(await third.view(), null);

      const from = Date.now();
      assert.equal(await third.do((view) => reporter.takeOver(view), firstView), true);
      const told = await first.heard('taken over');
      took.push(told.at - from);
      assert.equal(told.value, 'third');
      assert.equal(told.paused, true);
      await third.until(() => !video.paused && video.currentTime > 0);
      assert.deepEqual((await at.viewers(account)).map((one) => one.device).sort(), ['second', 'third']);
      await Promise.all([first.close(), third.close()]);
    }
    t.diagnostic(`stopped after ${worst(took)}`);
    assert.ok(Math.max(...took) < within, String(took));
  });
}

test('a view that the server has forgotten goes on by itself', async () => {
  const account = fresh();
  const viewer = await open(account, { at: limited });
  await viewer.play();
  const view = await viewer.view();
  await eventually(async () => (await limited.viewers(account)).some((one) => one.state === 'playing'), 'it plays');
  const ended = { account, profile: 'p1', title: 'clip', view, device: 'browser-1', state: 'stopped', at: new Date().toISOString() };
  await fetch(`${limited.url}/v1/reports`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(ended),
  });
  assert.deepEqual(await limited.viewers(account), []);
  await eventually(async () => (await limited.viewers(account)).some((one) => one.view === view), 'it is back');
  assert.equal(await viewer.do(() => video.paused), false);
  await viewer.close();
});
