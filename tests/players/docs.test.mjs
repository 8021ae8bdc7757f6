// Goal: what docs/players.md and sdk/web/README.md show is what runs.
// Method: code in the docs is held against the files that the tests run; the README's example is
// served as the page it is, with the addresses of the server and the media put in.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { Viewer, launch } from './browser.mjs';
import { Playhead } from './playhead.mjs';
import { Site } from './site.mjs';

const root = new URL('../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root), 'utf8');
const SHOWN = /<!-- file: (\S+) -->\n```js\n([\s\S]*?)```\n/g;
const LINES_MAX = 12;

let browser, site, server;
test.before(async () => {
  [browser, site] = await Promise.all([launch(), Site.start()]);
  server = await Playhead.start(`[http]\ncors_origins = ["${site.url}"]\n[viewing]\nqualify_ms = 1000\n`);
});
test.after(async () => {
  await browser?.close();
  await Promise.all([site?.stop(), server?.stop()]);
});

test('docs/players.md shows the files that are tested (PLAYERS_DOCS=write puts them in)', () => {
  const page = read('docs/players.md');
  const shown = page.replace(SHOWN, (_, file) => `<!-- file: ${file} -->\n\`\`\`js\n${read(file)}\`\`\`\n`);
  if (process.env.PLAYERS_DOCS === 'write') writeFileSync(new URL('docs/players.md', root), shown);
  else assert.equal(page, shown, 'run PLAYERS_DOCS=write tools/players --only docs/players.md');
  const files = [...shown.matchAll(SHOWN)].map(([, file]) => file);
  assert.deepEqual(files, ['tests/players/pages/hlsjs-and-reporter.js',
    ...['dashjs', 'hlsjs', 'shaka'].map((kind) => `tests/players/pages/cmcd/${kind}.js`)]);
});

/** Plays until the view counts, closes, and opens again: where it went on, and where it had stopped. */
async function playTwice(address, account, playing) {
  const first = await Viewer.open(browser, address);
  await playing(first);
  await first.do(() => { video.currentTime = 25; });
  await first.until(() => !video.seeking && video.currentTime > 26.2);
  const stoppedAt = await first.at();
  const [shown] = await server.viewers(account);
  await first.closeTab();
  await server.ended(account, shown.view);
  await first.close();
  const second = await Viewer.open(browser, address);
  await second.until(() => video.currentTime > 20);
  const began = await second.at();
  assert.deepEqual([...first.complaints, ...second.complaints], []);
  await second.close();
  return { began, stoppedAt, shown };
}

test("the README's example reports and resumes as it stands", async () => {
  const [, example] = /```html\n([\s\S]*?)```/.exec(read('sdk/web/README.md'));
  assert.ok(example.trimEnd().split('\n').length <= LINES_MAX, 'ten lines and the tags around them');
  const put = (text, from, to) => {
    assert.ok(text.includes(from), `${from} is in the example`);
    return text.replace(from, to);
  };
  let page = put(example, 'https://playhead.example', server.url);
  page = put(page, "'@playhead/reporter'", "'/reporter/reporter.js'");
  page = put(page, 'film-7.mp4', '/media/clip.mp4');
  site.made.set('/readme.html', page);
  const { began, stoppedAt, shown } = await playTwice(`${site.url}/readme.html`, 'smith', (viewer) => viewer.play());
  assert.deepEqual([shown.profile, shown.title, shown.state], ['anna', 'film-7', 'playing']);
  assert.ok(Math.abs(began - stoppedAt) < 1, `${began} and ${stoppedAt}`);
});

test('the page of hls.js and the reporter does as docs/players.md says', async () => {
  const view = JSON.stringify({ media: '/media/master.m3u8', server: server.url, account: 'jones', profile: 'kim', title: 'film-7' });
  site.made.set('/hlsjs.html', `<!doctype html><title>hls.js</title><video id="video" muted></video>
    <script type="importmap">{"imports": {"@playhead/reporter": "/reporter/reporter.js"}}</script>
    <script src="/node_modules/hls.js/dist/hls.min.js"></script>
    <script type="module">
      import { play } from '/pages/hlsjs-and-reporter.js';
      window.ready = play(document.getElementById('video'), ${view});
    </script>`);
  const { began, stoppedAt, shown } = await playTwice(`${site.url}/hlsjs.html`, 'jones', (viewer) => viewer.playedTo(0.2));
  assert.deepEqual([shown.profile, shown.title], ['kim', 'film-7']);
  // It plays on by itself, so a little more than a second may have passed until we look.
  assert.ok(began - stoppedAt > -1 && began - stoppedAt < 3, `${began} and ${stoppedAt}`);
});
