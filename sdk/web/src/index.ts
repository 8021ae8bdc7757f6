// The package's one entrance: reportVideo(video, options). Everything else is in the files beside.

import { browserPorts } from './ports.js';
import { Reporter } from './reporter.js';
import type { Options } from './types.js';

export type { Kind, Options, Problem, State, Token, Viewer } from './types.js';
export type { Reporter };

/**
 * Reports what `video` plays to the Playhead server, from its next `play` until `stop()`.
 * Call `resume()` on what it returns to go on where the profile left off.
 */
export function reportVideo(video: HTMLVideoElement, options: Options): Reporter {
  return new Reporter(video, options, browserPorts(options.server));
}
