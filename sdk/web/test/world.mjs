// A world in which time, network, page and video do what a test says. Nothing here waits: `advance`
// moves the clock from one timer to the next, and lets what was promised come first.

import { Pace } from '../dist/modules/pace.js';
import { Reporter } from '../dist/modules/reporter.js';

const TURNS = 20;

/** Lets every promise that can be kept be kept. */
export async function settle() {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export class FakeStore {
  rows = new Map();
  key(report) { return `${report.account}|${report.at}|${report.view}|${report.sequence}`; }
  put(report) { this.rows.set(this.key(report), report); }
  remove(reports) { for (const report of reports) this.rows.delete(this.key(report)); }
  async all(account) {
    return [...this.rows].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, report]) => report)
      .filter((report) => report.account === account);
  }
}

export class FakeVideo extends EventTarget {
  currentTime = 0;
  duration = 100;
  paused = true;
  ended = false;
  seeking = false;
  error = null;
  readyState = 0;
  playbackRate = 1;

  fire(...types) { for (const type of types) this.dispatchEvent(new Event(type)); }
  ready() { this.readyState = 4; this.fire('loadedmetadata'); }
  async play() {
    if (!this.paused) return;
    this.paused = false;
    this.fire('play', 'playing');
  }
  pause() {
    if (this.paused) return;
    this.paused = true;
    this.fire('pause');
  }
  seek(to) {
    this.currentTime = to;
    this.seeking = true;
    this.fire('seeking');
  }
  arrive() {
    this.seeking = false;
    this.fire('seeked');
  }
}

export class World {
  now = Date.parse('2026-11-23T20:00:00.000Z');
  timers = [];
  requests = [];
  beacons = [];
  isOnline = true;
  store = new FakeStore();
  page = new EventTarget();
  document = Object.assign(new EventTarget(), { hidden: false });
  ids = 0;
  /** What the server answers: {status, headers, body}, or null for no answer; may be a promise. */
  answer = (request) => ({ status: request.method === 'PUT' ? 201 : 204 });

  ports() {
    return {
      now: () => this.now,
      after: (ms, act) => {
        const timer = { at: this.now + ms, act };
        this.timers.push(timer);
        return () => { this.timers = this.timers.filter((one) => one !== timer); };
      },
      fetch: async (url, init = {}) => {
        const request = {
          at: this.now, url, method: init.method ?? 'GET', headers: init.headers ?? {},
          body: init.body === undefined ? undefined : JSON.parse(init.body),
        };
        this.requests.push(request);
        const answer = await this.answer(request);
        if (!answer) throw new TypeError('no network');
        const body = answer.body === undefined ? null : JSON.stringify(answer.body);
        return new Response(body, { status: answer.status, headers: answer.headers });
      },
      beacon: (url, text) => { this.beacons.push({ at: this.now, url, body: JSON.parse(text) }); return true; },
      pace: this.pace ??= new Pace(() => 0),
      id: () => `view-${++this.ids}`,
      online: () => this.isOnline,
      store: this.store,
      device: () => 'browser-1',
      page: this.page,
      document: this.document,
    };
  }

  reporter(video, options = {}) {
    return new Reporter(video, { server: 'http://server', account: 'a', profile: 'p', title: 't', ...options }, this.ports());
  }

  /** Moves the clock; a video that is given plays meanwhile. */
  async advance(ms, video = null) {
    const until = this.now + ms;
    await settle();
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= until).sort((one, other) => one.at - other.at)[0];
      const to = Math.min(next?.at ?? until, this.now + 250);
      if (video && !video.paused && !video.seeking && !video.ended) video.currentTime += (to - this.now) / 1000;
      this.now = Math.max(this.now, to);
      if (video && !video.paused) video.fire('timeupdate');
      if (next && next.at <= this.now && this.timers.includes(next)) {
        this.timers = this.timers.filter((timer) => timer !== next);
        next.act();
      }
      await settle();
      if (this.now >= until && !this.timers.some((timer) => timer.at <= until)) return;
    }
  }

  goOffline() { this.isOnline = false; }
  goOnline() {
    this.isOnline = true;
    this.page.dispatchEvent(new Event('online'));
  }

  /** Every report that was sent, in order, whatever the request. */
  sent() { return this.requests.filter((one) => one.body).flatMap((one) => one.body); }
  states() { return this.sent().map((report) => report.state); }
  /** The most requests of any minute. */
  busiestMinute() {
    const times = [...this.requests, ...this.beacons].map((one) => one.at);
    return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 60_000).length));
  }
}

export const problem = (type, status, more = {}) => ({
  status, body: { type: `/problems/${type}`, title: type, status, code: 1, retryable: false, ...more },
});

/** A video that plays, and its reporter; its start was granted. */
export async function playing(world, options = {}) {
  const video = new FakeVideo();
  const reporter = world.reporter(video, options);
  video.ready();
  await video.play();
  await settle();
  return { video, reporter };
}
