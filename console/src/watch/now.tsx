// "Watching now": the account's viewers, as the server tells of them.

import { useEffect, useState } from 'preact/hooks';
import { accountPath, ask, wordsOf, type Viewer } from '../api.js';
import { Face } from '../app.js';
import type { Live } from '../live.js';
import { useCatalogue } from '../titles.js';
import { Bar, Notice } from '../ui.js';
import { useWho } from '../who.js';
import { clock, percent, stateWord } from '../words.js';

/** A player that is silent for longer is not shown to play on. */
const AHEAD_MS_MAX = 60_000;
const STATES: Record<Live['state'], string> = { connecting: 'connecting', live: 'live', lost: 'connection lost, trying again', refused: 'not allowed' };

export function WatchingNow({ live }: { live: Live }) {
  const who = useWho();
  const [trouble, setTrouble] = useState('');
  const stop = async (view: string): Promise<void> => {
    try {
      await ask(`${accountPath(who.account)}/views/${encodeURIComponent(view)}/terminate`,
        { method: 'POST', body: { reason: `stopped from ${who.device}`, by_device: who.device } });
      setTrouble('');
    } catch (error) {
      setTrouble(wordsOf(error));
    }
  };
  return (
    <aside class="now panel" aria-labelledby="now">
      <div class="now-head">
        <h2 id="now">Watching now</h2>
        <span class={`pill pill-${live.state}`}>{STATES[live.state]}</span>
      </div>
      <p class="soft">On the account <strong>{who.account}</strong></p>
      {trouble && <Notice kind="bad">{trouble}</Notice>}
      {live.state === 'live' && live.viewers.length === 0 && <p class="soft empty">Nobody. Open this page in a second window, or on a phone, and play something there.</p>}
      <ul class="viewers" data-testid="watching-now">
        {live.viewers.map((one) => (
          <li key={one.view ?? one.device}>
            <OneViewer viewer={one} mine={one.device === who.device} />
            {one.view !== undefined && one.device !== who.device && (
              <button type="button" class="quiet small" onClick={() => void stop(one.view ?? '')}>Stop<span class="hidden-text"> {one.device}</span></button>
            )}
          </li>
        ))}
      </ul>
    </aside>
  );
}

/** Where it is now: the server tells of positions as players report them, every few seconds. */
function usePosition(viewer: Viewer): number | null {
  const told = viewer.playhead_ms ?? null;
  const [heardAt, setHeardAt] = useState(() => Date.now());
  const [now, setNow] = useState(heardAt);
  useEffect(() => {
    setHeardAt(Date.now());
    setNow(Date.now());
    if (viewer.state !== 'playing') return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [told, viewer.state, viewer.at]);
  if (told === null || viewer.state !== 'playing') return told;
  return Math.min(told + Math.min(Math.max(0, now - heardAt), AHEAD_MS_MAX), viewer.duration_ms ?? Infinity);
}

export function OneViewer({ viewer, mine = false }: { viewer: Viewer; mine?: boolean }) {
  const catalogue = useCatalogue();
  const name = catalogue.nameOf(viewer.title);
  const at = usePosition(viewer);
  return (
    <div class="viewer" data-device={viewer.device} data-state={viewer.state}>
      <Face name={viewer.profile ?? '?'} />
      <div class="viewer-text">
        <span class="viewer-title">{viewer.title === undefined ? 'Another profile' : name}</span>
        <span class="soft">{viewer.profile ? `${viewer.profile} · ` : ''}{mine ? 'this window' : viewer.device ?? 'a device'}</span>
        <span class="soft"><span class={`dot dot-${viewer.state}`} aria-hidden="true" /> {stateWord(viewer.state)}
          {at != null && ` · ${clock(at)}${viewer.duration_ms ? ` of ${clock(viewer.duration_ms)}` : ''}`}</span>
        {at != null && viewer.duration_ms ? <Bar value={percent(at, viewer.duration_ms)} label={`Position in ${name}`} /> : null}
      </div>
    </div>
  );
}
