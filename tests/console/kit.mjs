// A server with demo titles, a real browser, and windows in it: each a browser context of its own, as
// if on another device.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Playhead } from '../players/playhead.mjs';

const PATIENCE_MS = 15_000;
export const DEMO = process.env.CONSOLE_DEMO;
export const SCREENSHOTS = process.env.CONSOLE_SCREENSHOTS;
export const ACCOUNT = 'home';

/** `http`, `more`: further lines of the server's file. CONSOLE_URL: a server that runs already, whatever it was told. */
export function serve({ limit = 2, intervalMs = 10_000, http = '', auth = '', more = '' } = {}) {
  if (process.env.CONSOLE_URL) return Playhead.attach(process.env.CONSOLE_URL);
  return Playhead.start(`[http]\ndemo_dir = "${DEMO}"\n${http}\n[auth]\nstream_limit = ${limit}\n${auth}\n`
    + `[shard]\nreport_interval_ms = ${intervalMs}\n${more}\n`);
}

let browser = null;
after(() => browser?.close());

async function theBrowser() {
  return browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--mute-audio', '--disable-dev-shm-usage'],
  });
}

/**
 * A test with a server of its own, and windows that it opens. None of them may have complained, but
 * for what `expected` matches: a browser calls every answer from 400 on an error.
 */
export function scene(name, options, run) {
  if (typeof options === 'function') return scene(name, {}, options);
  return test(name, async () => {
    const server = await serve(options);
    const windows = [];
    const open = async (hash = '', of = {}) => {
      const window = await Window.open(await theBrowser(), `${of.url ?? server.url}/${hash}`, of);
      windows.push(window);
      return window;
    };
    try {
      await run({ server, open });
      const expected = options.expected ?? /^$/;
      assert.deepEqual(windows.flatMap((window) => window.complaints).filter((one) => !expected.test(one)), []);
    } finally {
      for (const window of windows) await window.close();
      await server.stop();
    }
  });
}

export class Window {
  /** `complaints`: what the page wrote to the console as an error or a warning, threw, or what its policy forbade. */
  static async open(browser, address, { width = 1280, height = 860, scheme = 'light', prepare = async () => undefined, ...context } = {}) {
    const window = new Window();
    window.complaints = [];
    window.context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, ...context });
    window.context.setDefaultTimeout(PATIENCE_MS);
    window.page = await window.context.newPage();
    window.page.on('pageerror', (error) => window.complaints.push(String(error)));
    window.page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) window.complaints.push(`${message.text()} ${message.location().url}`);
    });
    await window.page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    await prepare(window.page);
    await window.page.goto(address);
    return window;
  }

  do(act, argument) { return this.page.evaluate(act, argument); }
  until(condition, argument) { return this.page.waitForFunction(condition, argument, { polling: 50 }); }
  go(hash) { return this.page.goto(new URL(`/${hash}`, this.page.url()).href); }
  button(name) { return this.page.getByRole('button', { name }); }
  link(name) { return this.page.getByRole('link', { name }); }
  device() { return this.do(() => sessionStorage.getItem('playhead-window')); }
  rows(testId) { return this.page.getByTestId(testId).locator('> li'); }

  /** Goes to a title's page; returns once it plays. */
  async play(title) {
    await this.go(`#/play/${title}`);
    await this.plays();
  }

  plays() {
    return this.until(() => {
      const video = document.querySelector('video');
      return video && !video.paused && video.readyState >= 3 && video.currentTime > 0;
    });
  }

  async playedTo(seconds) {
    await this.page.waitForFunction((to) => document.querySelector('video').currentTime >= to, seconds,
      { polling: 50, timeout: PATIENCE_MS + 2_000 * seconds });
  }

  position() { return this.do(() => document.querySelector('video').currentTime); }

  /** Closes the tab as a viewer does: the page hears of it. */
  async closeTab() {
    const closed = this.page.waitForEvent('close');
    await this.page.close({ runBeforeUnload: true });
    await closed;
  }

  async screenshot(name, options = {}) {
    if (!SCREENSHOTS) return;
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`), animations: 'disabled', ...options });
  }

  close() { return this.context.close(); }
}

/** What another device of the account played, told by hand: qualified, unless it is shorter than 10 s. */
export async function watched(server, { account = ACCOUNT, profile = 'anna', title = 'long-exposure', series, nextTitle, view, device = 'tv-1', agoMs = 600_000,
  fromMs = 0, forMs = 60_000, state = 'stopped', durationMs = 600_000, token }) {
  const started = Date.now() - agoMs;
  const common = { account, profile, title, view, device, duration_ms: durationMs, started_at: new Date(started).toISOString(),
    ...(series && { series }), ...(nextTitle && { next_title: nextTitle }) };
  const at = (ms) => new Date(started + ms).toISOString();
  const reports = [
    { ...common, state: 'playing', at: at(0), playhead_ms: fromMs, watched_ms: 0 },
    { ...common, state: 'playing', at: at(forMs - 1), playhead_ms: fromMs + forMs, watched_ms: forMs },
  ];
  if (state !== 'playing') reports.push({ ...common, state, at: at(forMs), playhead_ms: fromMs + forMs, watched_ms: forMs });
  const answer = await fetch(`${server.url}/v1/reports`, {
    method: 'POST', body: JSON.stringify(reports),
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
  });
  if (answer.status !== 204) throw new Error(`reports: ${answer.status} ${await answer.text()}`);
}

export function progressOf(server, title, profile = 'anna') {
  return server.get(`/v1/accounts/${ACCOUNT}/profiles/${profile}/progress/${title}`);
}

export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
