// Loads the player that the query names, and plays by its file in cmcd/: those are shown in docs/players.md.

import { script, scripts } from './players.js';

const query = Object.fromEntries(new URLSearchParams(location.search));
const video = document.getElementById('video');
// With CMCD on, dash.js and shaka-player want the whole address.
const media = location.origin + (query.player === 'hlsjs' ? '/media/master.m3u8' : '/media/manifest.mpd');

async function start() {
  await script(scripts[query.player]);
  const { play } = await import(`./cmcd/${query.player}.js`);
  const target = `${query.server}/v1/cmcd?account=${query.account}&profile=p1&device=${query.device}`;
  window.player = await play(video, { media, target, view: query.view, title: 'clip' });
}

Object.assign(window, { video, ready: start() });
