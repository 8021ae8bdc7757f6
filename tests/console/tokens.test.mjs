// Goal: with keys, the page does what its tokens allow, says what they do not, and shows them to nobody.
// Method: a server with a key of `playhead key`, tokens of `playhead token`, in the address as
// `script/server --lan` prints them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { scene, watched } from './kit.mjs';

const playhead = process.env.PLAYHEAD_BINARY;
const directory = mkdtempSync(path.join(tmpdir(), 'console-keys-'));
const keys = path.join(directory, 'keys.json');
const token = (...of) => execFileSync(playhead, ['token', '--keys', keys, ...of], { encoding: 'utf8' }).trim();
writeFileSync(keys, execFileSync(playhead, ['key']));
const guarded = { auth: `keys_file = "${keys}"` };
const MISSING = /status of 40[134]/;

before(() => assert.ok(playhead));
after(() => rmSync(directory, { recursive: true }));

scene('without a token the page asks for one, and asks the server for nothing', guarded, async ({ open }) => {
  const window = await open();
  await window.page.getByRole('heading', { name: 'This server wants a viewer’s token' }).waitFor();
  await window.go('#/operate');
  await window.page.getByRole('heading', { name: 'This server wants an operator’s token' }).waitFor();
});

scene('a token in the address is taken out of it, kept for the window, and used', guarded, async ({ open }) => {
  const mine = token('--account', 'family');
  const window = await open(`#token=${mine}`);
  await window.page.getByText('On the account family').waitFor();
  assert.equal(await window.do(() => location.href.includes('token')), false);
  await window.play('tides-1');
  await window.page.reload();
  await window.page.getByText('On the account family').waitFor();
  await window.plays();
  await window.page.locator('[data-testid=watching-now] .viewer').waitFor();
  // No other window has it.
  assert.equal(await window.do(() => JSON.stringify(localStorage).includes('ey')), false);
});

scene('a viewer may not delete unless the token says so, and does not see how the server is doing', guarded, async ({ open }) => {
  const window = await open(`#token=${token('--account', 'family')}`);
  await window.play('tides-1');
  await window.playedTo(11);
  await window.go('#/history');
  await window.rows('history').first().waitFor();
  assert.equal(await window.button(/^Delete/).count(), 0);
  await window.go('#/operate');
  await window.page.getByRole('heading', { name: 'This server wants an operator’s token' }).waitFor();
  await window.page.getByLabel('Token').fill('rubbish');
  await window.button('Use it').click();
  await window.page.getByText('That is no token of this server').waitFor();
  await window.page.getByLabel('Token').fill(token('--kind', 'operator'));
  await window.button('Use it').click();
  await window.page.locator('.tile').first().waitFor();
});

scene('a token of a profile sees of the others that they play, and no more', guarded, async ({ open }) => {
  const anna = await open(`#token=${token('--account', 'family', '--profile', 'anna')}`);
  await anna.play('tides-1');
  const ben = await open(`#token=${token('--account', 'family', '--profile', 'ben')}`);
  const row = ben.rows('watching-now').first();
  await row.waitFor();
  assert.match(await row.innerText(), new RegExp(`Another profile[^]*${await anna.device()}[^]*playing`));
  assert.equal(await row.getByRole('button').count(), 0);
  await ben.button(/ben/).click();
  assert.equal(await ben.page.locator('.face-button').count(), 1);
});

scene('two tokens in the address, a viewer’s and an operator’s, are both used', guarded, async ({ open }) => {
  const window = await open(`#token=${token('--account', 'family')}&token=${token('--kind', 'operator')}`);
  await window.page.getByText('On the account family').waitFor();
  await window.go('#/operate');
  await window.page.locator('.tile').first().waitFor();
});

scene('a token that the server does not believe is said to be refused', { ...guarded, expected: MISSING }, async ({ open }) => {
  const other = path.join(directory, 'other.json');
  writeFileSync(other, execFileSync(playhead, ['key']));
  const forged = execFileSync(playhead, ['token', '--keys', other, '--account', 'family'], { encoding: 'utf8' }).trim();
  const window = await open(`#token=${forged}`);
  await window.page.getByText('not allowed').waitFor();
  await window.page.getByRole('alert').filter({ hasText: 'A valid token is needed' }).waitFor();
});

for (const [hash, shows] of [['#/', 'continue-watching'], ['#/history', 'history']]) {
  scene(`at ${hash} a good token in the place of one that is refused brings the page back to life`, { ...guarded, expected: MISSING }, async ({ server, open }) => {
    const other = path.join(directory, 'other-again.json');
    writeFileSync(other, execFileSync(playhead, ['key']));
    const of = ['--account', 'family', '--profile', 'anna'];
    const good = token(...of);
    const forged = execFileSync(playhead, ['token', '--keys', other, ...of], { encoding: 'utf8' }).trim();
    await watched(server, { account: 'family', view: 'on-tv', token: good });
    const window = await open(`#token=${forged}`);
    await window.page.getByText('not allowed').waitFor();
    await window.go(hash);
    const alert = window.page.locator('main').getByRole('alert').filter({ hasText: 'A valid token is needed' });
    await alert.waitFor();
    await window.button(/change profile and settings/).click();
    await window.page.getByLabel('Token').fill(good);
    await window.button('Use it').click();
    await window.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await window.rows(shows).first().waitFor();
    await alert.waitFor({ state: 'detached' });
    await window.go('#/');
    await window.page.getByText('not allowed').waitFor({ state: 'detached' });
    // The stream of events, too: it tells of what begins now.
    await watched(server, { account: 'family', view: 'on-phone', device: 'phone-1', state: 'playing', agoMs: 60_000, token: good });
    await window.page.locator('[data-testid=watching-now] .viewer[data-device=phone-1]').waitFor();
  });
}

scene('an address for operators of its own shows its part, and says where the rest is', { http: 'admin_listen = "127.0.0.1:0"' }, async ({ server, open }) => {
  const window = await open();
  await window.link('Play Long Exposure').waitFor();
  await window.go('#/operate');
  await window.page.getByText('shows how it is doing at an address of its own').waitFor();
  const other = await open('', { url: server.operators });
  await other.page.getByText('This is the operators’ address').waitFor();
  await other.go('#/operate');
  await other.page.locator('.tile').first().waitFor();
});
