// `playhead serve` on a free port, with a data directory of its own, and what the tests ask of it.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from './wait.mjs';

const STOP_MS_MAX = 15_000;

export class Playhead {
  /** `config`: the text of a TOML file. */
  static async start(config) {
    const program = process.env.PLAYHEAD_BINARY;
    if (!program) throw new Error('PLAYHEAD_BINARY names no program: run tools/players, which sets it');
    const directory = await mkdtemp(path.join(tmpdir(), 'players-server-'));
    const file = path.join(directory, 'playhead.toml');
    await writeFile(file, config);
    const child = spawn(program, ['serve', '--data', path.join(directory, 'data'), '--listen', '127.0.0.1:0', '--config', file],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new Playhead();
    Object.assign(server, { child, directory, said: '' });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { server.said += text; });
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${server.said}`);
      server.url = /serving on (http:\/\/127\.0\.0\.1:\d+)/.exec(server.said)?.[1];
      return server.url;
    }, 'the server says where it listens');
    // Operators may have an address of their own.
    server.operators = server.url;
    const port = /operators' listener on port (\d+)/.exec(server.said)?.[1];
    if (port) server.operators = `http://127.0.0.1:${port}`;
    await eventually(async () => (await fetch(`${server.operators}/readyz`).catch(() => null))?.ok, 'the server is ready');
    return server;
  }

  /** One that somebody else started, and will stop. */
  static attach(url) {
    return Object.assign(new Playhead(), { url, operators: url, stop: async () => undefined });
  }

  async stop() {
    const gone = new Promise((resolve) => { this.child.once('exit', resolve); });
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS_MAX);
    this.child.kill('SIGTERM');
    const code = await gone;
    clearTimeout(timer);
    await rm(this.directory, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server ended with ${code}: ${this.said.slice(-2000)}`);
  }

  async get(target) {
    const answer = await fetch(this.url + target);
    return answer.status === 404 ? null : answer.json();
  }

  view(account, view) { return this.get(`/v1/accounts/${account}/views/${view}`); }
  async viewers(account) { return (await this.get(`/v1/accounts/${account}/viewers`)).items; }
  progress(account) { return this.get(`/v1/accounts/${account}/profiles/p1/progress/clip`); }
  async history(account) { return (await this.get(`/v1/accounts/${account}/profiles/p1/history?all=true`)).items; }

  /** The view has ended; how. */
  ended(account, view) {
    return eventually(async () => {
      const found = await this.view(account, view);
      return found && !found.active && found;
    }, `view ${view} has ended`);
  }

  /** Another device of the account, without a browser: what it plays, from so many ms ago until now. */
  async device(account, view, { device, agoMs, fromMs, forMs, state = 'playing', title = 'clip' }) {
    const now = Date.now();
    const at = (ms) => new Date(now - agoMs + ms).toISOString();
    const common = { account, profile: 'p1', title, view, device, duration_ms: 60_000 };
    const reports = [
      { ...common, state: 'playing', at: at(0), playhead_ms: fromMs },
      { ...common, state: 'playing', at: at(forMs), playhead_ms: fromMs + forMs },
    ];
    if (state !== 'playing') reports.push({ ...common, state, at: at(forMs + 1), playhead_ms: fromMs + forMs });
    const answer = await fetch(`${this.url}/v1/reports`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(reports),
    });
    if (answer.status !== 204) throw new Error(`reports of ${device}: ${answer.status} ${await answer.text()}`);
  }
}
