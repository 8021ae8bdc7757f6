// The web site that shows the videos: pages, package, players and media on one origin. A second kind
// of server answers every report as a test says, and counts.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const roots = {
  media: process.env.PLAYERS_MEDIA ?? path.join(here, '../../build/players-media'),
  reporter: path.join(here, '../../sdk/web/dist'),
  node_modules: path.join(here, 'node_modules'),
  pages: path.join(here, 'pages'),
};
const types = {
  '.html': 'text/html', '.js': 'text/javascript', '.mpd': 'application/dash+xml', '.mp4': 'video/mp4',
  '.m3u8': 'application/vnd.apple.mpegurl', '.m4s': 'video/iso.segment',
};

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

export class Site {
  static async start() {
    const site = new Site();
    /** Pages that a test made: path to text. */
    site.made = new Map();
    site.server = http.createServer((request, response) => {
      site.serve(request, response).catch((error) => {
        response.writeHead(error.code === 'ENOENT' ? 404 : 500).end();
      });
    });
    site.url = await listen(site.server);
    return site;
  }

  stop() { return closed(this.server); }

  async serve(request, response) {
    const { pathname } = new URL(request.url, this.url);
    const made = this.made.get(pathname);
    if (made !== undefined) {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(made);
      return;
    }
    if (pathname === '/favicon.ico') {
      response.writeHead(204).end();
      return;
    }
    const [, top, ...rest] = pathname.split('/');
    const root = roots[top];
    const file = path.join(root ?? '', ...rest);
    if (!root || !file.startsWith(root + path.sep)) {
      response.writeHead(404).end();
      return;
    }
    const { size } = await stat(file);
    const headers = { 'Content-Type': types[path.extname(file)] ?? 'application/octet-stream', 'Accept-Ranges': 'bytes' };
    // A video seeks by asking for a part of its file.
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const from = range ? Number(range[1]) : 0;
    const to = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
    if (range) headers['Content-Range'] = `bytes ${from}-${to}/${size}`;
    response.writeHead(range ? 206 : 200, { ...headers, 'Content-Length': to - from + 1 });
    createReadStream(file, { start: from, end: to }).on('error', () => response.destroy()).pipe(response);
  }
}

/** A server that answers as `status` says; the requests that it got, without preflights. */
export class Faulty {
  static async start() {
    const faulty = new Faulty();
    Object.assign(faulty, { status: 204, requests: [] });
    faulty.server = http.createServer((request, response) => {
      const headers = {
        'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Methods': 'PUT, POST, GET',
        'Access-Control-Allow-Headers': 'content-type', 'Access-Control-Max-Age': '600',
      };
      request.resume();
      if (request.method === 'OPTIONS') {
        response.writeHead(204, headers).end();
        return;
      }
      faulty.requests.push({ at: Date.now(), method: request.method, target: request.url });
      if (faulty.status < 300) {
        response.writeHead(faulty.status, headers).end();
        return;
      }
      const body = { type: '/problems/test', title: 'as the test says', status: faulty.status, views: [], device: null };
      response.writeHead(faulty.status, { ...headers, 'Content-Type': 'application/problem+json' });
      response.end(JSON.stringify(body));
    });
    faulty.url = await listen(faulty.server);
    return faulty;
  }

  stop() { return closed(this.server); }
}

function closed(server) {
  const done = new Promise((resolve) => { server.close(resolve); });
  server.closeAllConnections();
  return done;
}
