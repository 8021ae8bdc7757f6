// Goal: every page is usable by everybody: by screen reader, at any width, in light and in dark, and
// gives the browser nothing to complain about.
// Method: axe-core over each page in both schemes; a look for anything wider than the window; and, when
// asked (tools/console --screenshots), pictures for the docs.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { eventually, spend } from '../players/wait.mjs';
import { scene, watched } from './kit.mjs';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const HOUR_MS = 3_600_000;
// Views that nobody reports on any more are shown for a while.
const STILL = { limit: 0, intervalMs: 60_000 };
const SIZES = [[360, 740], [768, 1024], [1280, 860], [1920, 1080]];
const PAGES = {
  watch: ['#/', (window) => window.rows('continue-watching').nth(1)],
  player: ['#/play/long-exposure', (window) => window.page.getByText(/Resumed at/)],
  history: ['#/history', (window) => window.rows('history').nth(3)],
  explore: ['#/explore', (window) => window.page.getByRole('cell', { name: 'stopped' }).first()],
  operate: ['#/operate', (window) => window.page.locator('.uplot').nth(3)],
};

async function household(server) {
  await watched(server, { view: 'v-film', fromMs: 200_000, forMs: 62_000, agoMs: 2 * HOUR_MS });
  await watched(server, { view: 'v-ebb', title: 'tides-1', series: 'tides', nextTitle: 'tides-2', forMs: 180_000, durationMs: 180_000, agoMs: 25 * HOUR_MS, state: 'completed' });
  await watched(server, { view: 'v-slack', title: 'tides-2', series: 'tides', nextTitle: 'tides-3', forMs: 74_000, durationMs: 180_000, agoMs: HOUR_MS, device: 'tablet-1' });
  await watched(server, { view: 'v-old', fromMs: 0, forMs: 200_000, agoMs: 50 * HOUR_MS, device: 'phone-9' });
  await watched(server, { view: 'v-ben', profile: 'ben', title: 'tides-3', series: 'tides', forMs: 61_000, durationMs: 180_000, agoMs: 62_000, state: 'playing', device: 'tv-livingroom' });
}

async function violations(window) {
  await window.page.addScriptTag({ path: axe }).catch(() => undefined);
  return window.do(async () => {
    const found = await window.axe.run(document, { resultTypes: ['violations'] });
    return found.violations.map((one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`);
  });
}

/** What sticks out of the window, if it can be scrolled sideways. */
function tooWide(window) {
  return window.do(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > clientWidth + 1)
      .map((one) => `${one.tagName}.${one.className} ${Math.round(one.getBoundingClientRect().right)} > ${clientWidth}`);
  });
}

for (const scheme of ['light', 'dark']) {
  for (const [name, [hash, there]] of Object.entries(PAGES)) {
    scene(`${name} in ${scheme}: no violation that axe finds, nothing wider than the window`, STILL, async ({ server, open }) => {
      await household(server);
      // axe is brought in from outside, which the page's own policy forbids.
      const window = await open(hash, { scheme, bypassCSP: true });
      await there(window).waitFor();
      assert.deepEqual(await violations(window), []);
      for (const [width, height] of SIZES) {
        await window.page.setViewportSize({ width, height });
        await eventually(async () => (await tooWide(window)).length === 0, `${name} fits ${width}`).catch(async () => assert.deepEqual(await tooWide(window), [], `at ${width}`));
      }
      await window.page.setViewportSize({ width: 360, height: 740 });
      assert.deepEqual(await violations(window), [], 'on a phone');
      if (name === 'watch') {
        await window.button(/anna/).click();
        await window.page.getByRole('dialog').waitFor();
        assert.deepEqual(await violations(window), [], 'with its dialog');
      }
    });
  }
}

scene('pictures for the docs', STILL, async ({ server, open }) => {
  await household(server);
  const light = await open('', { width: 1280, height: 800 });
  const dark = await open('', { width: 1280, height: 800, scheme: 'dark' });
  const phone = await open('', { width: 390, height: 800, scheme: 'dark' });
  for (const window of [light, dark, phone]) await window.rows('continue-watching').nth(1).waitFor();
  await light.screenshot('console-watch');
  await phone.screenshot('console-phone');
  await light.go('#/history');
  await light.rows('history').nth(3).waitFor();
  await light.screenshot('console-history');
  await light.go('#/explore');
  await light.page.getByRole('cell', { name: 'stopped' }).first().waitFor();
  await light.screenshot('console-explore');
  await light.play('long-exposure');
  await dark.go('#/operate');
  await dark.page.locator('.uplot').nth(3).waitFor();
  if (process.env.CONSOLE_SCREENSHOTS) {
    // A minute of a busy evening.
    for (let round = 0; round < 40; round++) {
      const many = 30 + Math.round(25 * Math.sin(round / 5));
      await Promise.all(Array.from({ length: many }, (_, i) => watched(server, { account: `acct-${(i * 37 + round * 11) % 900}`, view: `v-${round}`, agoMs: 1_000, forMs: 900, state: 'playing' })));
      await spend(900);
    }
    await light.playedTo(5);
  }
  await light.screenshot('console-player');
  await dark.screenshot('console-operate', { fullPage: true });
});
