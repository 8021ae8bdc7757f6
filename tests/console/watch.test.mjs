// Goal: a person at home can watch, leave, and go on; and sees who else is watching.
// Method: windows of a real browser against a real server with the demo titles.

import assert from 'node:assert/strict';
import { eventually } from '../players/wait.mjs';
import { ACCOUNT, progressOf, scene, watched } from './kit.mjs';

scene('a newcomer plays, closes the tab, comes back, and goes on', async ({ server, open }) => {
  const began = Date.now();
  const first = await open();
  await first.link('Play Long Exposure').click();
  await first.plays();
  await first.playedTo(19);
  const left = await first.position();
  await first.closeTab();
  const progress = await eventually(async () => {
    const found = await progressOf(server, 'long-exposure');
    return found?.playhead_ms >= 18_000 && found;
  }, 'the last report has arrived');
  assert.ok(Math.abs(progress.playhead_ms - left * 1000) < 3_000, `${progress.playhead_ms} after ${left} s`);

  const second = await open();
  const row = second.rows('continue-watching').first();
  await row.getByText('Long Exposure').waitFor();
  assert.ok(await row.getByRole('progressbar').getAttribute('aria-valuenow') > 2);
  await row.getByRole('link').click();
  await second.plays();
  await second.page.getByText(/Resumed at 0:(1|2)\d/).waitFor();
  assert.ok(await second.position() >= progress.playhead_ms / 1000 - 0.5);
  console.log(`s from opening the page until it plays on, 19 of them watched: ${(Date.now() - began) / 1000}`);
});

scene('leaving before the seek to the resume point leaves the position alone', async ({ server, open }) => {
  await watched(server, { view: 'v-1', fromMs: 100_000 });
  const before = await progressOf(server, 'long-exposure');
  assert.equal(before.playhead_ms, 160_000);
  let asked = () => undefined;
  const wasAsked = new Promise((resolve) => { asked = resolve; });
  const window = await open('', {
    // The answer with the position never comes.
    prepare: (page) => page.route('**/progress?title=*', () => asked()),
  });
  await window.link('Go on with Long Exposure').first().click();
  await wasAsked;
  // The viewer is impatient: it plays from its start, and the tab is closed.
  await window.do(() => document.querySelector('video').play());
  await window.playedTo(1);
  const view = await eventually(async () => (await server.viewers(ACCOUNT)).find((one) => one.device !== 'tv-1'), 'its view is there');
  await window.closeTab();
  await server.ended(ACCOUNT, view.view);
  const now = await progressOf(server, 'long-exposure');
  assert.deepEqual([now.playhead_ms, now.view], [160_000, 'v-1']);
});

scene('continue watching has one row a series, and one can be taken off', async ({ server, open }) => {
  await watched(server, { view: 'v-1', title: 'tides-1', series: 'tides', nextTitle: 'tides-2', forMs: 180_000, durationMs: 180_000, state: 'completed' });
  await watched(server, { view: 'v-2', fromMs: 200_000, agoMs: 900_000 });
  const window = await open();
  const rows = window.rows('continue-watching');
  await rows.nth(1).waitFor();
  assert.match(await rows.nth(0).innerText(), /Slack Water[^]*Next episode/);
  assert.match(await rows.nth(1).innerText(), /Long Exposure[^]*6 min left/);
  await window.button('Take Long Exposure off this row').click();
  await rows.nth(1).waitFor({ state: 'detached' });
  assert.equal((await progressOf(server, 'long-exposure')).hidden, true);
  assert.equal((await progressOf(server, 'long-exposure')).playhead_ms, 260_000);
});

scene('each profile has its own row, and a choice of profile holds over a reload', async ({ server, open }) => {
  await watched(server, { view: 'v-1', fromMs: 100_000 });
  const window = await open();
  await window.rows('continue-watching').first().waitFor();
  await window.button(/anna/).click();
  await window.page.getByRole('dialog').getByRole('button', { name: 'ben' }).click();
  await window.page.getByText('Nothing begun yet').waitFor();
  await window.page.reload();
  await window.page.getByText('it waits for ben here').waitFor();
});

scene('another account and another name of the device are kept', async ({ server, open }) => {
  const window = await open();
  await window.button(/anna/).click();
  await window.page.getByLabel('Account').fill('smith');
  await window.page.getByLabel('This device').fill('kitchen');
  await window.page.getByLabel('Another profile').fill('kim');
  await window.button('Save').click();
  await window.page.getByText('On the account smith').waitFor();
  await window.play('tides-1');
  await eventually(async () => {
    const [one] = await server.viewers('smith');
    return one?.device === 'kitchen' && one.profile === 'kim' && one.title === 'tides-1';
  }, 'smith watches');
});

scene('two windows of one browser are two devices, a duplicated tab too', async ({ server, open }) => {
  const window = await open();
  const mine = await window.device();
  const other = await window.context.newPage();
  await other.addInitScript((device) => { if (!sessionStorage.getItem('once')) sessionStorage.setItem('playhead-window', device); sessionStorage.setItem('once', '1'); }, mine);
  await other.goto(server.url);
  await other.getByText('Watching now').waitFor();
  assert.notEqual(await other.evaluate(() => sessionStorage.getItem('playhead-window')), mine);
});

scene('four windows of one browser play side by side, and hear of each other', { limit: 0 }, async ({ server, open }) => {
  const first = await open();
  const pages = [first.page];
  for (let i = 1; i < 4; i++) pages.push(await first.context.newPage());
  for (const page of pages) await page.goto(`${server.url}/#/play/long-exposure`);
  for (const page of pages) {
    await page.waitForFunction(() => document.querySelector('video')?.currentTime > 2, null, { polling: 100 });
    await page.getByTestId('watching-now').locator('> li').nth(3).waitFor();
  }
  const devices = (await server.viewers(ACCOUNT)).map((one) => one.device);
  assert.equal(new Set(devices).size, 4);
});

scene('the next episode is offered when one is over', async ({ server, open }) => {
  const window = await open();
  await window.play('tides-1');
  await window.do(() => { const video = document.querySelector('video'); video.currentTime = video.duration - 0.5; });
  await window.link('Play episode 2').click();
  await window.page.getByRole('heading', { name: 'Tides: Slack Water' }).waitFor();
  await window.plays();
  assert.ok(await window.position() < 30);
});

scene('the keyboard reaches everything: skip link, pages, a title, the profile', async ({ server, open }) => {
  const window = await open();
  await window.link('Play Long Exposure').waitFor();
  const { keyboard } = window.page;
  const focused = () => window.do(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent);
  await keyboard.press('Tab');
  assert.equal(await focused(), 'Skip to content');
  const seen = [];
  for (let i = 0; i < 12; i++) {
    await keyboard.press('Tab');
    seen.push(await focused());
  }
  for (const wanted of ['Playhead, home', 'Watch', 'History', 'Explore', 'Operate', 'Play Long Exposure'])
    assert.ok(seen.includes(wanted), `${wanted} in ${seen.join(' | ')}`);
  await window.button(/anna/).focus();
  await keyboard.press('Enter');
  await window.page.getByRole('dialog').waitFor();
  await keyboard.press('Escape');
  await window.page.getByRole('dialog').waitFor({ state: 'detached' });
  await window.link('Play Long Exposure').focus();
  await keyboard.press('Enter');
  await window.plays();
  assert.equal(await window.do(() => document.activeElement.id), 'main');
});
