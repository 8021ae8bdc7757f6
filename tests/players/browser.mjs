// A real browser, and viewers in it: each a browser context of its own, as if on another device.

import { chromium } from 'playwright-core';

const PATIENCE_MS = 20_000;

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--mute-audio', '--disable-dev-shm-usage'],
  });
}

export class Viewer {
  /** Opens a page. `complaints`: what the page wrote to the console as an error, or threw. */
  static async open(browser, address, prepare = async () => undefined) {
    const viewer = new Viewer();
    viewer.context = await browser.newContext();
    viewer.context.setDefaultTimeout(PATIENCE_MS);
    viewer.page = await viewer.context.newPage();
    viewer.complaints = [];
    viewer.page.on('pageerror', (error) => viewer.complaints.push(String(error)));
    viewer.page.on('console', (message) => {
      if (message.type() === 'error') viewer.complaints.push(message.text());
    });
    await prepare(viewer.page);
    await viewer.page.goto(address);
    await viewer.page.evaluate(() => window.ready);
    return viewer;
  }

  do(act, argument) { return this.page.evaluate(act, argument); }
  until(condition, argument) { return this.page.waitForFunction(condition, argument, { polling: 50 }); }
  at() { return this.do(() => video.currentTime); }
  view() { return this.do(() => reporter.view); }
  heard(name) { return this.until((wanted) => heard.find((one) => one.name === wanted), name).then((one) => one.jsonValue()); }

  /** Goes on where the profile left off, and plays. Where it began, in seconds. */
  async resume() {
    const began = await this.do(async () => {
      await reporter.resume();
      const at = video.currentTime;
      await video.play();
      return at;
    });
    return began;
  }

  async play() {
    await this.do(() => video.play());
    await this.until(() => !video.paused && video.readyState >= 3);
  }

  async playedTo(seconds) { await this.until((to) => video.currentTime >= to, seconds); }

  /** Closes the tab as a viewer does: the page hears of it. */
  async closeTab() {
    const closed = this.page.waitForEvent('close');
    await this.page.close({ runBeforeUnload: true });
    await closed;
  }

  close() { return this.context.close(); }
}
