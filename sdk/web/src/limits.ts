// Every limit of the package, in one place: nothing here grows, waits or repeats without one.

/** Until the server has named its interval. */
export const INTERVAL_MS_DEFAULT = 10_000;
/** The longest that a server names by default, however busy it is: so long it may be before it has named one. */
export const INTERVAL_MS_UNNAMED = 60_000;
/** Intervals outside of this are taken for a mistake. */
export const INTERVAL_MS_MIN = 1_000;
export const INTERVAL_MS_MAX = 600_000;

/** The server ends a view that is silent for three intervals; a little earlier we start it anew. */
export const LEASE_INTERVALS = 2.5;
/** The same for a paused view, whose expiry is 10 minutes by default. */
export const LEASE_PAUSED_MS = 540_000;
/**
 * A report older than what the server waits, three intervals, makes no view active, so it may go without asking
 * for the stream limit. One interval more is for the way to it. The same for a view that it knows as paused.
 */
export const LATE_INTERVALS = 4;
export const LATE_PAUSED_MS = 720_000;

/** So many requests may follow each other at once; after them one each REQUEST_GAP_MS. */
export const REQUEST_BURST_MAX = 8;
export const REQUEST_GAP_MS = 1_000;
/** Requests without success in any FAILURE_WINDOW_MS. The eighth is left for a last report. */
export const FAILURES_MAX = 7;
export const FAILURE_WINDOW_MS = 60_000;
/** Doubled after each failure, up to the maximum; what Retry-After asks for is kept, up to its own. */
export const BACK_OFF_MS_MIN = 2_000;
export const BACK_OFF_MS_MAX = 60_000;
export const RETRY_AFTER_MS_MAX = 600_000;
export const REQUEST_TIMEOUT_MS = 10_000;

/** Reports of one request: browsers let 64 KiB outlive a page, and the server takes 1,000. */
export const BATCH_REPORTS_MAX = 100;
export const BATCH_BYTES_MAX = 50_000;
/** Reports that wait: over two hours of heartbeats without a network. */
export const QUEUE_REPORTS_MAX = 1_000;
/** Reports of earlier pages that are kept, of all profiles together, and their age: the server refuses older ones. */
export const KEPT_REPORTS_MAX = 5_000;
export const KEPT_AGE_MS_MAX = 29 * 86_400_000;

/** So long resume() asks for the position before it gives up: viewers do not wait for more. */
export const RESUME_MS_MAX = 15_000;
/** So long it waits for the media and for the seek, before it lets the page go on; the seek comes when it can. */
export const SEEK_MS_MAX = 15_000;
/** Times that resume() seeks, where the player moves the video away again; and what counts as away. */
export const SEEK_TRIES_MAX = 5;
export const SEEK_AWAY_MS_MAX = 1_000;
/** A stream of events that broke is opened again with a report that succeeds, but not sooner. */
export const STREAM_GAP_MS = 10_000;
/** Of the stream of events: a longer one is a mistake. The server's comments come every 15 s. */
export const EVENT_BYTES_MAX = 1_048_576;
export const STREAM_SILENCE_MS_MAX = 45_000;

/** Between two samples a playing video moves by the time that has passed, and this much more. */
export const SAMPLE_SLACK_MS = 500;
