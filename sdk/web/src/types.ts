// What users of the package give and get, and the report as api/openapi.yaml has it.

export type State =
  | 'starting' | 'playing' | 'paused' | 'seeking' | 'rebuffering' | 'ad'
  | 'stopped' | 'completed' | 'failed';

export type Kind = 'on_demand' | 'live';

/** A bearer token, or what gets one: it is asked again before each request. */
export type Token = string | (() => string | Promise<string>);

export interface Options {
  /** The server's address; a path before /v1 is kept. '' is the page's own origin. */
  server: string;
  account: string;
  profile: string;
  title: string;
  series?: string;
  /** What Continue Watching offers when this title is finished. */
  nextTitle?: string;
  /** Names this device. Left out: an id that this browser keeps. */
  device?: string;
  /** As in 'tv' or 'phone'. */
  deviceType?: string;
  /** 'live' has no position. Left out: on demand. */
  kind?: Kind;
  /** False keeps the view out of history and progress: trailers, a private mode. */
  record?: boolean;
  /** Where the credits begin: there the title counts as finished. */
  creditsMs?: number;
  token?: Token;
  /** Keeps a stream of events open, so that a take-over stops this player at once and not at its next report. */
  push?: boolean;
  /** The position in the title, where `video.currentTime` is another one (advertising in the stream). */
  playheadMs?: () => number;
  /** The way back, for `resume()`: goes to a position in the title. Needed with `playheadMs`. */
  seekToMs?: (playheadMs: number) => void;
  /** The account plays on as many devices as it may. The video was paused; `takeOver()` ends one of these views. */
  onLimit?: (viewers: Viewer[]) => void;
  /** Another device ended this view. The video was paused; `play()` would start a new one. */
  onTakenOver?: (device: string | null) => void;
  /** The server refused a report for good: most often an option is wrong. */
  onProblem?: (problem: Problem) => void;
}

/** One of the account's active views. Those of other profiles may show `device` and `state` only. */
export interface Viewer {
  view?: string;
  profile?: string;
  title?: string;
  device: string | null;
  device_type?: string | null;
  state: State;
  playhead_ms?: number | null;
  duration_ms?: number | null;
}

/** An error as the server words it (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  retryable?: boolean;
  views?: Viewer[];
  device?: string | null;
}

/** What a player says about a view at one moment. */
export interface Report {
  account: string;
  profile: string;
  title: string;
  view: string;
  state: State;
  at: string;
  started_at: string;
  sequence: number;
  watched_ms: number;
  device?: string;
  device_type?: string;
  series?: string;
  next_title?: string;
  kind?: Kind;
  record?: boolean;
  playhead_ms?: number;
  duration_ms?: number;
  credits_ms?: number;
}
