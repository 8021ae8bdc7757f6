// Goal: history, the three answers and the figures show what the server says, and change it as told.
// Method: an account that has watched things, a real browser, and the server asked behind its back.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually } from '../players/wait.mjs';
import { ACCOUNT, progressOf, scene, watched } from './kit.mjs';

const run = promisify(execFile);
const HOUR_MS = 3_600_000;
const day = (agoMs) => {
  const date = new Date(Date.now() - agoMs);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;
};

/** Twelve views of the film, an hour apart, and two of the series, more than three whole days ago at any time of day. */
async function watchedMuch(server) {
  for (let i = 0; i < 12; i++) await watched(server, { view: `film-${i}`, fromMs: i * 40_000, forMs: 30_000, agoMs: HOUR_MS + (12 - i) * HOUR_MS });
  await watched(server, { view: 'ebb', title: 'tides-1', series: 'tides', durationMs: 180_000, agoMs: 97 * HOUR_MS });
  await watched(server, { view: 'slack', title: 'tides-2', series: 'tides', durationMs: 180_000, agoMs: 96 * HOUR_MS });
}

scene('history comes page by page, newest first', async ({ server, open }) => {
  await watchedMuch(server);
  const window = await open('#/history');
  const rows = window.rows('history');
  await rows.nth(9).waitFor();
  assert.equal(await rows.count(), 10);
  assert.match(await rows.first().innerText(), /Long Exposure[^]*tv-1 · 30 s played · stopped[^]*7:50 of 10:00/);
  await window.button('Older').click();
  await window.page.getByText('Page 2').waitFor();
  await rows.filter({ hasText: 'Tides: Ebb' }).waitFor();
  assert.equal(await rows.count(), 4);
  assert.equal(await window.button('Older').isDisabled(), true);
  await window.button('Newer').click();
  await rows.nth(9).waitFor();
});

scene('history is filtered by title, series and days', async ({ server, open }) => {
  await watchedMuch(server);
  const window = await open('#/history');
  const rows = window.rows('history');
  await rows.nth(9).waitFor();
  await window.page.getByLabel('Title').selectOption('Tides (series)');
  await rows.nth(9).waitFor({ state: 'detached' });
  await eventually(async () => (await rows.count()) === 2, 'two of the series');
  await window.page.getByLabel('Title').selectOption('Tides: Ebb');
  await eventually(async () => (await rows.count()) === 1, 'one of the title');
  await window.button('Reset').click();
  await rows.nth(9).waitFor();
  await window.page.getByLabel('To', { exact: true }).fill(day(48 * HOUR_MS));
  await eventually(async () => (await rows.count()) === 2, 'what is old');
  await window.page.getByLabel('From', { exact: true }).fill(day(48 * HOUR_MS));
  await window.page.getByText('Nothing here by these filters').waitFor();
});

scene('short views are shown when asked for', async ({ server, open }) => {
  await watched(server, { view: 'short', forMs: 3_000 });
  const window = await open('#/history');
  await window.page.getByText('Nothing watched yet').waitFor();
  await window.page.getByLabel('Short views, too').check();
  await window.rows('history').first().waitFor();
});

scene('a title can be marked watched, hidden, and a view deleted', async ({ server, open }) => {
  await watched(server, { view: 'v-1', fromMs: 100_000 });
  const window = await open('#/history');
  const row = window.rows('history').first();
  await row.getByRole('button', { name: 'Mark watched' }).click();
  await row.getByText('Watched', { exact: true }).waitFor();
  assert.deepEqual([(await progressOf(server, 'long-exposure')).watched, (await progressOf(server, 'long-exposure')).playhead_ms], [true, null]);
  await row.getByRole('button', { name: 'Mark unwatched' }).click();
  await row.getByText('Watched', { exact: true }).waitFor({ state: 'detached' });
  assert.equal((await progressOf(server, 'long-exposure')).playhead_ms, 160_000);
  await row.getByRole('button', { name: 'Hide' }).click();
  await row.getByText('Hidden', { exact: true }).waitFor();
  assert.equal((await progressOf(server, 'long-exposure')).hidden, true);
  await row.getByRole('button', { name: /^Delete Long/ }).click();
  await row.getByRole('button', { name: 'Keep' }).click();
  await row.getByRole('button', { name: /^Delete Long/ }).click();
  await row.getByRole('button', { name: 'Delete for good' }).click();
  await row.waitFor({ state: 'detached' });
  assert.deepEqual(await server.history(ACCOUNT).catch(() => []), []);
  assert.equal((await server.get(`/v1/accounts/${ACCOUNT}/profiles/anna/history`)).items.length, 0);
});

scene('explore shows any account in tables and JSON, and a command that gives the same', { intervalMs: 60_000 }, async ({ server, open }) => {
  await watched(server, { account: 'smith', profile: 'kim', view: 'v-1', fromMs: 100_000, state: 'playing', agoMs: 30_000, forMs: 29_000 });
  const window = await open('#/explore');
  await window.page.getByLabel('Account').fill('smith');
  await window.page.getByLabel('Profile').fill('kim');
  await window.button('Ask').click();
  await window.page.getByText('Profiles that have reported: kim').waitFor();
  const answers = window.page.locator('.answer');
  assert.equal(await answers.count(), 3);
  await window.page.getByRole('cell', { name: 'playing' }).waitFor();
  assert.match(await answers.nth(0).innerText(), /Long Exposure\s+kim\s+tv-1\s+playing\s+2:09/);
  assert.match(await answers.nth(1).innerText(), /Long Exposure\s+2:09\s+10:00/);
  assert.match(await answers.nth(2).innerText(), /Long Exposure[^]*tv-1\s+29 s\s+still on/);
  await window.page.getByRole('radio', { name: 'JSON' }).check();
  for (let place = 0; place < 3; place++) {
    const shown = JSON.parse(await answers.nth(place).locator('pre').innerText());
    const { stdout } = await run('bash', ['-c', await answers.nth(place).locator('code').innerText()]);
    assert.deepEqual(JSON.parse(stdout).items, shown.items);
    assert.equal(shown.items.length, 1);
  }
});

scene('explore asks nothing that can not be an account', async ({ open }) => {
  const window = await open('#/explore');
  await window.page.getByLabel('Account').fill('no such id');
  await window.button('Ask').click();
  assert.equal(await window.do(() => document.querySelector('input[name=account]').validity.patternMismatch), true);
  await window.page.getByText("/v1/accounts/home/viewers'").waitFor();
});

scene('operate shows reports, views and warm slots as they come', { intervalMs: 60_000 }, async ({ server, open }) => {
  const window = await open('#/operate');
  const tile = (name) => window.page.locator('.tile').filter({ hasText: name });
  await tile('Active views').getByText('0', { exact: true }).waitFor();
  await eventually(() => window.do(() => document.querySelectorAll('.uplot canvas').length === 4), 'four plots');
  for (let i = 0; i < 30; i++) await watched(server, { account: `acct-${i}`, view: 'v', agoMs: 1_000, forMs: 900, state: 'playing' });
  await tile('Active views').getByText('30', { exact: true }).waitFor();
  await tile('Reports a second').getByText('60 since the start').waitFor();
  await window.page.getByText(/\d+ of 4,096 have had reports/).waitFor();
  const colours = await window.until(() => {
    const canvas = document.querySelector('.heat canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, 64, 64);
    const seen = new Map();
    for (let at = 0; at < data.length; at += 4) {
      const colour = `${data[at]},${data[at + 1]},${data[at + 2]}`;
      seen.set(colour, (seen.get(colour) ?? 0) + 1);
    }
    return seen.size >= 2 && [...seen.values()].sort((a, b) => b - a)[0] < 4096 - 20 && seen.size;
  });
  assert.ok(await colours.jsonValue() >= 2);
  await window.page.getByRole('table').nth(1).getByRole('cell').first().waitFor();
});

scene('operate says so when the server has gone, and goes on when it is back', { expected: /net::ERR|Failed to load/ }, async ({ open }) => {
  const window = await open('#/operate');
  await window.page.locator('.tile').first().waitFor();
  await window.page.route('**/metrics', (route) => route.abort());
  await window.page.getByText('The server does not answer').waitFor();
  await window.page.unroute('**/metrics');
  await window.page.getByText('The server does not answer').waitFor({ state: 'detached' });
});
