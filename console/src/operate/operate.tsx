// How the server is doing, each second, from /metrics and /v1/cluster.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, get, Refused, wordsOf, type About } from '../api.js';
import { Settings } from '../settings.js';
import { tokenFor } from '../tokens.js';
import { Notice } from '../ui.js';
import { bytes, number, span } from '../words.js';
import { Heat, HeatMap } from './heat.js';
import { meanSince, Metrics, quantileSince, rate } from './metrics.js';
import { Plot } from './plot.js';

const LOOK_MS = 1_000;
const POINTS_MAX = 120;
const SYNC = 'playhead_journal_sync_seconds';
const ERRORS = [
  'playhead_reports_rejected_total', 'playhead_http_framing_errors_total', 'playhead_http_timeouts_total',
  'playhead_http_connections_refused_total', 'playhead_journal_frames_refused_total', 'playhead_checkpoint_errors_total',
  'playhead_store_write_errors_total', 'playhead_streams_dropped_total', 'playhead_cmcd_dropped_total',
] as const;

interface Cluster {
  nodes: Array<{ node: string; state: string; started_at: string; threads: number; views_active: number; reports: number }>;
  busiest_slots: Array<{ slot: number; reports: number; views_active: number }>;
  slot_reports?: number[];
}

interface Look {
  metrics: Metrics;
  cluster: Cluster;
}

interface Point {
  time: number;
  reports: number;
  views: number;
  meanMs: number | null;
  worstMs: number | null;
  journal: number;
  errors: number;
}

function pointOf(now: Metrics, before: Metrics): Point {
  const ms = (seconds: number | null): number | null => (seconds === null ? null : seconds * 1000);
  return {
    time: now.at / 1000,
    reports: rate(now, before, 'playhead_reports_total') + rate(now, before, 'playhead_reports_repeated_total'),
    views: now.sum('playhead_views_active'),
    meanMs: ms(meanSince(now, before, SYNC)),
    worstMs: ms(quantileSince(now, before, SYNC, 0.99)),
    journal: now.sum('playhead_journal_bytes'),
    errors: ERRORS.reduce((sum, name) => sum + rate(now, before, name), 0) + rate(now, before, 'playhead_http_requests_total', '5xx'),
  };
}

export function Operate({ about, onTokens }: { about: About; onTokens: () => void }) {
  const wanted = about.answers_operating && (!about.needs_token || tokenFor('operating') !== null);
  const [look, setLook] = useState<Look | null>(null);
  const [points, setPoints] = useState<Point[]>([]);
  const [trouble, setTrouble] = useState<Refused | null>(null);
  const heat = useRef(new Heat());
  useEffect(() => {
    if (!wanted) return undefined;
    let before: Metrics | null = null;
    let timer = 0;
    let gone = false;
    const again = async (): Promise<void> => {
      try {
        // Nobody looks: nothing is asked.
        if (!document.hidden) {
          const [text, cluster] = await Promise.all([
            ask('/metrics', { need: 'operating' }).then((response) => response.text()),
            get<Cluster>('/v1/cluster?all_slots=true', 'operating'),
          ]);
          const metrics = new Metrics(text, Date.now());
          heat.current.take({ reports: cluster.slot_reports ?? [], at: metrics.at });
          const last = before;
          if (last) setPoints((was) => [...was, pointOf(metrics, last)].slice(-POINTS_MAX));
          before = metrics;
          setLook({ metrics, cluster });
          setTrouble(null);
        }
      } catch (error) {
        setTrouble(error instanceof Refused ? error : new Refused(0, wordsOf(error), ''));
        // Being asked again each second changes no mind.
        if (error instanceof Refused && [401, 403, 404].includes(error.status)) return;
      }
      if (!gone) timer = window.setTimeout(() => void again(), LOOK_MS);
    };
    void again();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [wanted, tokenFor('operating')?.text]);

  const mayNot = trouble !== null && (trouble.status === 401 || trouble.status === 403);
  return (
    <>
      <h1>Operate</h1>
      {!about.answers_operating && (
        <Notice kind="info">This server shows how it is doing at an address of its own, which <code>--admin-listen</code> names. The same page is there.</Notice>
      )}
      {about.answers_operating && (!wanted || mayNot) && <Settings.Tokens kind="operator" onTokens={onTokens} />}
      {trouble && <Notice kind="bad">{wordsOf(trouble)}</Notice>}
      {look && <Figures look={look} points={points} heat={heat.current} />}
    </>
  );
}

function Figures({ look, points, heat }: { look: Look; points: Point[]; heat: Heat }) {
  const { metrics, cluster } = look;
  const last = points.at(-1);
  const times = points.map((point) => point.time);
  const node = cluster.nodes[0];
  const busy = cluster.busiest_slots.filter((one) => one.reports > 0).slice(0, 9);
  const ms = (value: number | null | undefined): string => (value == null ? 'no reports' : `${number(value)} ms`);
  return (
    <>
      <dl class="tiles">
        <Tile name="Reports a second" value={last ? number(last.reports) : '…'} note={`${number(node?.reports ?? 0)} since the start`} />
        <Tile name="Acknowledgement" value={last?.meanMs != null ? `${number(last.meanMs)} ms` : 'idle'} note="mean wait for the disk" />
        <Tile name="Active views" value={number(metrics.sum('playhead_views_active'))} note={`${number(metrics.sum('playhead_views_in_memory'))} in memory`} />
        <Tile name="Errors a second" value={last ? number(last.errors) : '…'} note={`${number(ERRORS.reduce((sum, name) => sum + metrics.sum(name), 0))} since the start`} />
        <Tile name="Journal" value={bytes(metrics.sum('playhead_journal_bytes'))} note={`${number(metrics.sum('playhead_journal_frames_total'))} frames synced`} />
        <Tile name="Checkpoints" value={`${number(metrics.sum('playhead_checkpoint_rows_total'))} rows`} note={`${number(metrics.sum('playhead_store_flushes_total'))} flushes`} />
        <Tile name="Memory" value={bytes(metrics.sum('process_resident_memory_bytes'))} note={`${number(metrics.sum('playhead_http_connections'))} connections, ${number(metrics.sum('playhead_http_streams'))} streams`} />
        <Tile name="Server" value={node?.state ?? '–'} note={node ? `${node.threads} threads, up ${span(Date.now() - new Date(node.started_at).getTime())}` : ''} />
      </dl>
      <div class="plots">
        <Plot title="Reports a second" now={last ? number(last.reports) : '…'} times={times} format={number} least={1}
          lines={[{ name: 'reports', values: points.map((point) => point.reports), colour: '--accent' }]} />
        <Plot title="Acknowledgement" now={ms(last?.meanMs)} times={times} format={(value) => `${number(value)} ms`} least={1}
          lines={[{ name: 'mean of a sync', values: points.map((point) => point.meanMs), colour: '--accent' },
            { name: '99 % within', values: points.map((point) => point.worstMs), colour: '--warm' }]} />
        <Plot title="Active views" now={last ? number(last.views) : '…'} times={times} format={number} least={4}
          lines={[{ name: 'views', values: points.map((point) => point.views), colour: '--accent' }]} />
        <Plot title="Journal" now={last ? bytes(last.journal) : '…'} times={times} format={bytes} least={1024}
          lines={[{ name: 'bytes kept', values: points.map((point) => point.journal), colour: '--accent' }]} />
      </div>
      <div class="plots thirds">
        <HeatMap heat={heat} totals={cluster.slot_reports ?? []} time={metrics.at} />
        <section class="panel" aria-labelledby="errors">
          <h2 id="errors">Errors since the start</h2>
          <table class="plain"><thead><tr><th scope="col">What</th><th scope="col" class="right">Count</th></tr></thead><tbody>
            {ERRORS.map((name) => <tr key={name}><td>{name.replace(/^playhead_|_total$/g, '').replaceAll('_', ' ')}</td><td class="right">{number(metrics.sum(name))}</td></tr>)}
          </tbody></table>
        </section>
        <section class="panel" aria-labelledby="busiest">
          <h2 id="busiest">Busiest slots</h2>
          {busy.length === 0 ? <p class="soft empty">No reports yet.</p> : (
            <table class="plain"><thead><tr><th scope="col">Slot</th><th scope="col" class="right">Reports</th><th scope="col" class="right">Views now</th></tr></thead><tbody>
              {busy.map((one) => <tr key={one.slot}><td>{one.slot}</td><td class="right">{number(one.reports)}</td><td class="right">{one.views_active}</td></tr>)}
            </tbody></table>
          )}
        </section>
      </div>
    </>
  );
}

function Tile({ name, value, note }: { name: string; value: string; note: string }) {
  return <div class="tile panel"><dt>{name}</dt><dd class="tile-value">{value}</dd><dd class="soft">{note}</dd></div>;
}
