// The page that the browser's tests look at: `ready` is kept once the reporter hears the video and
// the player has been given its media. What the reporter calls back is kept in `heard`.

import { reportVideo } from '/reporter/reporter.js';
import { players } from './players.js';

const query = Object.fromEntries(new URLSearchParams(location.search));
const video = document.getElementById('video');
const heard = [];
const hear = (name) => (value) => heard.push({ name, value, at: Date.now(), paused: video.paused });

const reporter = reportVideo(video, {
  server: query.server,
  account: query.account,
  profile: 'p1',
  title: 'clip',
  device: query.device,
  push: query.push === 'yes',
  onLimit: hear('limit'),
  onTakenOver: hear('taken over'),
  onProblem: hear('problem'),
});

// A viewer who presses buttons all the time.
function fidget(everyMs) {
  setInterval(() => { void (video.paused ? video.play().catch(() => undefined) : video.pause()); }, everyMs);
}

Object.assign(window, { video, reporter, heard, fidget, ready: players[query.player](video) });
