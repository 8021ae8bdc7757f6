// What the profile has watched: filtered, page by page, and what can be done about a row.

import { useEffect, useState } from 'preact/hooks';
import { act, ask, get, profilePath, progressOf, wordsOf, type Act, type HistoryItem, type Page, type Progress } from '../api.js';
import type { Live } from '../live.js';
import { playHref } from '../route.js';
import { useCatalogue } from '../titles.js';
import { tokenFor } from '../tokens.js';
import { Bar, Notice, useLoad } from '../ui.js';
import { useWho } from '../who.js';
import { clock, endWord, moment, percent, span } from '../words.js';

const ROWS = 10;

interface Filter {
  /** `title=…` or `series=…`; empty: all. */
  what: string;
  from: string;
  to: string;
  all: boolean;
}

const EVERYTHING: Filter = { what: '', from: '', to: '', all: false };

function queryOf(filter: Filter, cursor: string | null): string {
  const query = new URLSearchParams(filter.what);
  query.set('limit', String(ROWS));
  // Days are the viewer's own; the last one is in it.
  if (filter.from) query.set('from', new Date(`${filter.from}T00:00`).toISOString());
  if (filter.to) query.set('to', new Date(new Date(`${filter.to}T00:00`).getTime() + 86_400_000).toISOString());
  if (filter.all) query.set('all', 'true');
  if (cursor) query.set('cursor', cursor);
  return query.toString();
}

export function History({ live }: { live: Live }) {
  const who = useWho();
  const catalogue = useCatalogue();
  const [filter, setFilter] = useState(EVERYTHING);
  /** The cursors of this page and of those before it. */
  const [trail, setTrail] = useState<Array<string | null>>([null]);
  const [page, setPage] = useState<Page<HistoryItem> | null>(null);
  const [progress, setProgress] = useState(new Map<string, Progress>());
  const [trouble, setTrouble] = useState('');
  const [said, setSaid] = useState('');
  const cursor = trail.at(-1) ?? null;
  const base = profilePath(who.account, who.profile);
  const token = tokenFor('viewing');

  const load = useLoad(async (isLatest) => {
    try {
      const found = await get<Page<HistoryItem>>(`${base}/history?${queryOf(filter, cursor)}`);
      const at = await progressOf(who.account, who.profile, [...new Set(found.items.map((item) => item.title))]);
      if (!isLatest()) return;
      setProgress(at);
      setPage(found);
      setTrouble('');
    } catch (error) {
      if (isLatest()) setTrouble(wordsOf(error));
    }
  }, [base, filter, cursor, token?.text], live.changes);
  useEffect(() => { setTrail([null]); }, [base]);

  const narrow = (some: Partial<Filter>): void => {
    setFilter((was) => ({ ...was, ...some }));
    setTrail([null]);
  };
  const run = async (work: Promise<unknown>, done: string): Promise<void> => {
    try {
      await work;
      setSaid(done);
      await load();
    } catch (error) {
      setTrouble(wordsOf(error));
    }
  };
  const mark = (item: HistoryItem, some: Omit<Act, 'title'>, done: string): void => {
    void run(act(who.account, who.profile, [{ title: item.title, ...some }]), `${catalogue.nameOf(item.title)}: ${done}`);
  };
  const remove = (item: HistoryItem): void => {
    void run(ask(`${base}/history/${encodeURIComponent(item.id)}`, { method: 'DELETE' }), `${catalogue.nameOf(item.title)}: removed from history`);
  };
  const mayDelete = token === null || token.mayDelete;

  return (
    <>
      <h1>History <span class="soft">of {who.profile}</span></h1>
      <Filters filter={filter} onChange={narrow} onReset={() => { setFilter(EVERYTHING); setTrail([null]); }} />
      {trouble && <Notice kind="bad">{trouble}</Notice>}
      <p class="hidden-text" role="status">{said}</p>
      {page && page.items.length === 0 && <p class="soft empty">{filter === EVERYTHING ? 'Nothing watched yet. A view counts once ten seconds were played.' : 'Nothing here by these filters.'}</p>}
      <ul class="rows" data-testid="history">
        {page?.items.map((item) => (
          <Row key={item.id} item={item} progress={progress.get(item.title)} mayDelete={mayDelete} onMark={(some, done) => mark(item, some, done)} onRemove={() => remove(item)} />
        ))}
      </ul>
      {page && (trail.length > 1 || page.next) && (
        <nav class="row pages" aria-label="Pages of the history">
          <button type="button" class="quiet" disabled={trail.length === 1} onClick={() => setTrail((was) => was.slice(0, -1))}>← Newer</button>
          <span class="soft">Page {trail.length}</span>
          <button type="button" class="quiet" disabled={!page.next} onClick={() => setTrail((was) => [...was, page.next])}>Older →</button>
        </nav>
      )}
    </>
  );
}

interface FiltersProps {
  filter: Filter;
  onChange: (some: Partial<Filter>) => void;
  onReset: () => void;
}

function Filters({ filter, onChange, onReset }: FiltersProps) {
  const catalogue = useCatalogue();
  const series = new Map(catalogue.all.flatMap((title) => (title.series ? [[title.series, title.series_name ?? title.series] as const] : [])));
  return (
    <form class="filters panel" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <label>Title
        <select value={filter.what} onChange={(event) => onChange({ what: event.currentTarget.value })}>
          <option value="">All titles</option>
          {[...series].map(([id, name]) => <option key={id} value={`series=${encodeURIComponent(id)}`}>{name} (series)</option>)}
          {catalogue.all.map((title) => <option key={title.id} value={`title=${encodeURIComponent(title.id)}`}>{catalogue.nameOf(title.id)}</option>)}
        </select>
      </label>
      <label>From<input type="date" value={filter.from} onChange={(event) => onChange({ from: event.currentTarget.value })} /></label>
      <label>To<input type="date" value={filter.to} onChange={(event) => onChange({ to: event.currentTarget.value })} /></label>
      <label class="check"><input type="checkbox" checked={filter.all} onChange={(event) => onChange({ all: event.currentTarget.checked })} />Short views, too</label>
      <button type="button" class="quiet" onClick={onReset}>Reset</button>
    </form>
  );
}

interface RowProps {
  item: HistoryItem;
  progress: Progress | undefined;
  mayDelete: boolean;
  onMark: (some: Omit<Act, 'title'>, done: string) => void;
  onRemove: () => void;
}

function Row({ item, progress, mayDelete, onMark, onRemove }: RowProps) {
  const catalogue = useCatalogue();
  const [sure, setSure] = useState(false);
  const name = catalogue.nameOf(item.title);
  const watched = progress?.watched ?? false;
  const hidden = progress?.hidden ?? false;
  return (
    <li class="history-row">
      <div class="history-what">
        {catalogue.find(item.title) ? <a href={playHref(item.title)}>{name}</a> : <strong>{name}</strong>}
        {watched && <span class="tag">Watched</span>}
        {hidden && <span class="tag tag-soft">Hidden</span>}
        <span class="soft">{moment(item.started_at)} · {item.device ?? 'unknown device'} · {span(item.watched_ms)} played · {endWord(item.end_reason)}</span>
        {item.playhead_ms !== null && item.duration_ms ? (
          <span class="history-at"><Bar value={percent(item.playhead_ms, item.duration_ms)} label={`Where this view of ${name} ended`} />
            <span class="soft">{clock(item.playhead_ms)} of {clock(item.duration_ms)}</span></span>
        ) : null}
      </div>
      <div class="row history-acts">
        <button type="button" class="quiet small" onClick={() => onMark({ watched: !watched }, watched ? 'marked unwatched' : 'marked watched')}>
          {watched ? 'Mark unwatched' : 'Mark watched'}<span class="hidden-text"> {name}</span></button>
        <button type="button" class="quiet small" onClick={() => onMark({ hidden: !hidden }, hidden ? 'shown again' : 'hidden')}>
          {hidden ? 'Show again' : 'Hide'}<span class="hidden-text"> {name}</span></button>
        {mayDelete && !sure && <button type="button" class="quiet small" onClick={() => setSure(true)}>Delete<span class="hidden-text"> {name}</span></button>}
        {mayDelete && sure && (
          <>
            <button type="button" class="small bad" onClick={onRemove}>Delete for good<span class="hidden-text"> {name}</span></button>
            <button type="button" class="quiet small" onClick={() => setSure(false)}>Keep<span class="hidden-text"> {name}</span></button>
          </>
        )}
      </div>
    </li>
  );
}
