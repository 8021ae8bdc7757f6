// Goal: players that know nothing of Playhead show up as viewers, configured as docs/players.md says.
// Method: dash.js, hls.js and shaka-player play a clip in a real browser; what they say by CMCD is
// read back from the server. None of them says where in the title it is.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Viewer, launch } from './browser.mjs';
import { Playhead } from './playhead.mjs';
import { Site } from './site.mjs';
import { eventually } from './wait.mjs';

const runs = Number(process.env.PLAYERS_RUNS ?? 2);

let browser, site, server;
test.before(async () => {
  [browser, site] = await Promise.all([launch(), Site.start()]);
  server = await Playhead.start(`[http]\ncors_origins = ["${site.url}"]\n[shard]\nreport_interval_ms = 3000\n`);
});
test.after(async () => {
  await browser?.close();
  await Promise.all([site?.stop(), server?.stop()]);
});

// What each tells of its state. The released build of shaka-player sends no change of state at all.
const tells = { dashjs: true, hlsjs: true, shaka: false };

for (const [kind, states] of Object.entries(tells)) {
  test(`${kind} by itself is shown as a viewer${states ? ', playing and paused' : ''}`, async () => {
    for (let run = 0; run < runs; run++) {
      const account = `cmcd-${kind}-${process.pid}-${run}`;
      const view = crypto.randomUUID();
      const query = new URLSearchParams({ server: server.url, account, player: kind, device: `${kind}-1`, view });
      const viewer = await Viewer.open(browser, `${site.url}/pages/cmcd.html?${query}`);
      await viewer.playedTo(0.2);
      const shown = (state) => eventually(async () => (await server.viewers(account))
        .find((one) => one.view === view && (!states || one.state === state)), `${kind} is shown as ${state}`);
      const seen = await shown('playing');
      assert.deepEqual([seen.profile, seen.title, seen.device, seen.playhead_ms], ['p1', 'clip', `${kind}-1`, null]);
      await viewer.do(() => video.pause());
      await shown('paused');
      await viewer.do(() => video.play());
      await shown('playing');
      assert.equal(await server.progress(account), null, 'CMCD of these players has no position');
      assert.deepEqual(viewer.complaints, []);
      await viewer.close();
    }
  });
}

test('hls.js stops reporting when its view was ended from elsewhere', async () => {
  const account = `cmcd-stop-${process.pid}`;
  const view = crypto.randomUUID();
  const query = new URLSearchParams({ server: server.url, account, player: 'hlsjs', device: 'hlsjs-1', view });
  const viewer = await Viewer.open(browser, `${site.url}/pages/cmcd.html?${query}`);
  const answers = [];
  viewer.page.on('response', (response) => {
    if (response.request().method() === 'POST') answers.push(response.status());
  });
  await viewer.playedTo(0.2);
  await eventually(async () => (await server.viewers(account)).some((one) => one.view === view), 'it is shown');
  const ended = await fetch(`${server.url}/v1/accounts/${account}/views/${view}/terminate`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"reason": "a test", "by_device": "tv"}',
  });
  assert.equal(ended.status, 204);
  for (let pressed = 0; pressed < 10; pressed++) {
    await viewer.do(() => new Promise((resolve) => {
      video.addEventListener(video.paused ? 'playing' : 'pause', resolve, { once: true });
      void (video.paused ? video.play() : video.pause());
    }));
  }
  await eventually(() => answers.includes(410), 'it is told');
  assert.ok(answers.filter((status) => status === 410).length <= 2, String(answers));
  await viewer.close();
});
