// Watches one video element and tells the server what it does. The state is read off the element at
// each of its events, not kept beside it, so that an event that a browser leaves out costs little.
//
// Before the first frame that counts, reports carry no position: a viewer who leaves before the
// seek to the resume point moves nothing.

import { Client } from './client.js';
import { SEEK_MS_MAX } from './limits.js';
import type { Pace } from './pace.js';
import type { Ports } from './ports.js';
import { Push } from './push.js';
import { seekOnceReady, positionToResume } from './resume.js';
import { ENDS, Sender } from './sender.js';
import { Session } from './session.js';
import type { Options, Problem, Report, State, Viewer } from './types.js';

const HAVE_FUTURE_DATA = 3;
const EVENTS = [
  'play', 'playing', 'pause', 'seeking', 'seeked', 'waiting', 'ended', 'error', 'timeupdate', 'emptied',
] as const;

export class Reporter {
  private readonly client: Client;
  private readonly pace: Pace;
  private readonly sender: Sender;
  private readonly push: Push | null;
  private session: Session | null = null;
  private state: State = 'starting';
  /** The first frame that counts has been shown. */
  private started = false;
  private resuming = 0;
  private inAd = false;
  /** The media was taken out from under the video, as players do to recover: its position is not to be trusted. */
  private emptied = false;
  private stopped = false;
  private cancelHeartbeat: (() => void) | null = null;
  private beatAt = Infinity;
  private decided: ((granted: boolean) => void) | null = null;
  private readonly ears: Array<[EventTarget, string, EventListener]> = [];

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly options: Options,
    private readonly ports: Ports,
  ) {
    this.client = new Client(options, ports);
    this.pace = ports.pace;
    this.sender = new Sender(options, ports, this.client, this.pace, {
      granted: () => this.decide(true),
      accepted: () => this.accepted(),
      limited: (viewers) => this.limited(viewers),
      terminated: (device) => this.terminated(device),
      problem: (problem) => this.problem(problem),
      present: () => this.session && this.tell(this.stateNow(), this.session),
    });
    // Told by the stream, the next report is made now; its answer names the device.
    this.push = options.push ? new Push(options, ports, this.client, (view) => this.pushed(view)) : null;
    for (const type of EVENTS) this.listen(video, type);
    this.listen(ports.page, 'online');
    this.listen(ports.page, 'pagehide');
    this.listen(ports.page, 'pageshow');
    this.listen(ports.document, 'visibilitychange');
    void this.sender.recover();
    if (!video.paused) this.begin(null);
  }

  /** The view's id; null while nothing plays. */
  get view(): string | null {
    return this.session?.view ?? null;
  }

  /**
   * Goes to where the profile left off; until it is there, nothing counts as played. Resolves with
   * that position, or null if the title begins at its start. Rejects if the server does not say.
   * A video that can not seek within SEEK_MS_MAX does so later: whatever is shown before, counts for nothing.
   */
  async resume(): Promise<number | null> {
    this.resuming += 1;
    let sought: Promise<void> = Promise.resolve();
    try {
      const playheadMs = await positionToResume(this.options, this.ports, this.client, this.pace);
      if (playheadMs === null || this.stopped) return null;
      const { seekToMs } = this.options;
      const seek = (): void => {
        if (seekToMs) seekToMs(playheadMs);
        else this.video.currentTime = playheadMs / 1000;
      };
      sought = seekOnceReady(this.video, seek, () => Math.abs(this.playheadMs() - playheadMs), () => this.stopped);
      await new Promise<void>((resolve, reject) => {
        const cancel = this.ports.after(SEEK_MS_MAX, resolve);
        sought.finally(cancel).then(resolve, reject);
      });
      return playheadMs;
    } finally {
      const done = (): void => {
        this.resuming -= 1;
        this.look();
      };
      // At once, where there is nothing to wait for: the caller may look.
      sought.then(done, done);
    }
  }

  /** An advertisement begins, or is over. Its time is no position in the title. */
  ad(playing: boolean): void {
    this.sample();
    this.inAd = playing;
    this.look();
  }

  /** After `onLimit`: ends `view` on its device and plays here. False if that was refused. */
  takeOver(view: string): Promise<boolean> {
    this.end();
    const decision = new Promise<boolean>((resolve) => { this.decided = resolve; });
    this.begin(view);
    return decision.then(async (granted) => {
      // A browser that wants a click for it will get one.
      if (granted) await this.video.play().catch(() => undefined);
      return granted;
    });
  }

  /** The viewer has left the video: the last report goes, and no other follows. */
  stop(): void {
    if (this.stopped) return;
    this.end();
    this.stopped = true;
    this.decide(false);
    for (const [target, type, ear] of this.ears) target.removeEventListener(type, ear);
  }

  private listen(target: EventTarget, type: string): void {
    const ear: EventListener = (event) => this.hear(event);
    target.addEventListener(type, ear);
    this.ears.push([target, type, ear]);
  }

  private hear(event: Event): void {
    switch (event.type) {
      case 'play':
        if (!this.session) this.begin(null);
        break;
      case 'emptied':
        this.emptied = true;
        break;
      case 'playing':
      case 'seeked':
        this.emptied = false;
        break;
      case 'seeking':
        if (this.started && !this.resuming && this.state === 'seeking') this.say('seeking');
        break;
      case 'timeupdate':
        this.sample();
        // In a tab in the background timers are late; a playing video's own events are not.
        if (this.session && this.ports.now() >= this.beatAt) this.say(this.stateNow());
        return;
      case 'online':
        if (this.session) this.say(this.stateNow());
        this.sender.online();
        return;
      case 'visibilitychange':
        // On a phone the page may never come back, nor be told so.
        if (this.session && this.ports.document.hidden) this.say(this.stateNow());
        return;
      case 'pagehide':
        this.sender.lastly(this.session && this.tell('stopped', this.session));
        return;
      case 'pageshow':
        // The page was kept alive, and has come back.
        if (!this.session && !this.video.paused) this.begin(null);
        return;
    }
    this.look();
  }

  private begin(terminate: string | null): void {
    if (this.stopped) return;
    this.session = new Session(this.options, this.ports);
    this.started = false;
    this.sender.begin(this.session.view, terminate);
    this.push?.watch(this.session.view);
    this.say('starting');
  }

  private end(): void {
    if (this.session) this.say('stopped');
  }

  private look(): void {
    if (!this.session) return;
    const { video } = this;
    const shows = !video.paused && !video.seeking && video.readyState >= HAVE_FUTURE_DATA;
    if (shows && !this.resuming && !this.inAd) this.started = true;
    const state = this.stateNow();
    if (state !== this.state) this.say(state);
  }

  private say(state: State): void {
    if (this.session) this.sender.add(this.tell(state, this.session));
  }

  private stateNow(): State {
    const { video } = this;
    if (video.error) return 'failed';
    if (this.inAd) return 'ad';
    // A viewer who stops it before it has begun does not hold a place among the account's streams for ever.
    if (this.resuming || !this.started) return video.paused && !this.resuming ? 'paused' : 'starting';
    if (video.ended) return 'completed';
    if (video.seeking) return 'seeking';
    if (video.paused) return 'paused';
    return video.readyState < HAVE_FUTURE_DATA || this.emptied ? 'rebuffering' : 'playing';
  }

  // What `session` says now. An end is its last word.
  private tell(state: State, session: Session): Report {
    const { video } = this;
    this.sample();
    this.state = state;
    const duration = video.duration * 1000;
    const live = this.options.kind === 'live';
    const report = session.report(state, {
      playheadMs: this.started && !this.resuming && !live ? session.played.playheadMs : null,
      durationMs: Number.isFinite(duration) && duration > 0 && !live && !this.inAd ? duration : null,
    });
    // The sample above counted what was before; the new state holds from here on.
    this.sample();
    if (ENDS.includes(state)) {
      this.session = null;
      this.push?.watch(null);
    }
    this.beat();
    return report;
  }

  // A paused view is not reported on: the server keeps it for ten minutes, and then it may go.
  private beat(): void {
    this.cancelHeartbeat?.();
    this.cancelHeartbeat = null;
    this.beatAt = Infinity;
    if (!this.session || this.state === 'paused') return;
    this.beatAt = this.ports.now() + this.sender.intervalMs;
    this.cancelHeartbeat = this.ports.after(this.sender.intervalMs, () => this.say(this.stateNow()));
  }

  private playheadMs(): number {
    return this.options.playheadMs?.() ?? this.video.currentTime * 1000;
  }

  private sample(): void {
    const { session, video } = this;
    if (!session || this.resuming || this.inAd || this.emptied || video.readyState === 0) return;
    session.played.sample(this.ports.now(), this.playheadMs(), this.state === 'playing', video.playbackRate);
  }

  private accepted(): void {
    this.push?.open();
    // The server may have named a shorter interval than the one that runs.
    if (this.ports.now() + this.sender.intervalMs < this.beatAt) this.beat();
  }

  private limited(viewers: Viewer[]): void {
    this.halt();
    this.options.onLimit?.(viewers);
  }

  private terminated(device: string | null): void {
    this.halt();
    this.options.onTakenOver?.(device);
  }

  private problem(problem: Problem): void {
    this.decide(false);
    this.options.onProblem?.(problem);
  }

  private pushed(view: string): void {
    if (this.session?.view !== view) return;
    this.video.pause();
    this.say(this.stateNow());
  }

  private halt(): void {
    this.session = null;
    this.push?.watch(null);
    this.beat();
    this.decide(false);
    this.video.pause();
  }

  private decide(granted: boolean): void {
    this.decided?.(granted);
    this.decided = null;
  }
}
