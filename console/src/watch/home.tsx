// What there is to watch: what was begun, all titles, and who is watching now.

import { useState } from 'preact/hooks';
import { act, get, profilePath, progressOf, wordsOf, type Page, type Progress } from '../api.js';
import type { Live } from '../live.js';
import { playHref } from '../route.js';
import { posterOf, useCatalogue, type Title } from '../titles.js';
import { tokenFor } from '../tokens.js';
import { Bar, Notice, useLoad } from '../ui.js';
import { useWho } from '../who.js';
import { clock, percent, span } from '../words.js';
import { WatchingNow } from './now.js';

interface Shelf {
  rows: Progress[];
  progress: Map<string, Progress>;
}

export function Home({ live }: { live: Live }) {
  const catalogue = useCatalogue();
  const who = useWho();
  const [shelf, setShelf] = useState<Shelf | null>(null);
  const [trouble, setTrouble] = useState('');
  const load = useLoad(async (isLatest) => {
    try {
      const [page, progress] = await Promise.all([
        get<Page<Progress>>(`${profilePath(who.account, who.profile)}/continue-watching`),
        progressOf(who.account, who.profile, catalogue.all.map((title) => title.id)),
      ]);
      if (!isLatest()) return;
      setShelf({ rows: page.items, progress });
      setTrouble('');
    } catch (error) {
      if (isLatest()) setTrouble(wordsOf(error));
    }
  }, [who.account, who.profile, catalogue, tokenFor('viewing')?.text], live.changes);
  const takeOff = async (title: string): Promise<void> => {
    try {
      await act(who.account, who.profile, [{ title, hidden: true }]);
      await load();
    } catch (error) {
      setTrouble(wordsOf(error));
    }
  };

  const films = catalogue.all.filter((title) => title.series === null);
  const series = [...new Set(catalogue.all.flatMap((title) => title.series ?? []))];
  return (
    <div class="home">
      <h1 class="hidden-text">Watch</h1>
      <div class="shelves">
        {trouble && <Notice kind="bad">{trouble}</Notice>}
        <section aria-labelledby="continue">
          <h2 id="continue">Continue watching</h2>
          {shelf && shelf.rows.length === 0 && (
            <p class="soft empty">Nothing begun yet. Play something for a while, leave it, and it waits for {who.profile} here, on any device.</p>
          )}
          <ul class="cards" data-testid="continue-watching">
            {shelf?.rows.map((row) => (
              <Row key={row.title} row={row} title={catalogue.find(row.title)} onHide={() => void takeOff(row.title)} />
            ))}
          </ul>
        </section>
        {films.length > 0 && (
          <section aria-labelledby="films">
            <h2 id="films">Films</h2>
            <ul class="cards">{films.map((title) => <Card key={title.id} title={title} progress={shelf?.progress.get(title.id)} />)}</ul>
          </section>
        )}
        {series.map((one) => {
          const episodes = catalogue.all.filter((title) => title.series === one);
          return (
            <section key={one} aria-labelledby={`series-${one}`}>
              <h2 id={`series-${one}`}>{episodes[0]?.series_name ?? one}</h2>
              <ul class="cards">{episodes.map((title) => <Card key={title.id} title={title} progress={shelf?.progress.get(title.id)} />)}</ul>
            </section>
          );
        })}
        {catalogue.all.length === 0 && (
          <Notice kind="info">This server has no titles of its own to play. <code>script/server</code> starts one with a film and a short series.</Notice>
        )}
      </div>
      <WatchingNow live={live} />
    </div>
  );
}

function Row({ row, title, onHide }: { row: Progress; title: Title | undefined; onHide: () => void }) {
  const name = title?.name ?? row.title;
  const note = row.reason === 'next' ? 'Next episode'
    : row.duration_ms ? `${span(row.duration_ms - (row.playhead_ms ?? 0))} left` : `at ${clock(row.playhead_ms ?? 0)}`;
  return (
    <li class="card">
      <Picture title={title} name={name} value={percent(row.playhead_ms, row.duration_ms)} />
      <span class="card-name"><span class="card-title">{name}</span>
        <span class="soft">{title?.series_name ? `${title.series_name} · ` : ''}{note}</span></span>
      <button type="button" class="quiet icon card-hide" aria-label={`Take ${name} off this row`} title="Take it off this row" onClick={onHide}>✕</button>
    </li>
  );
}

function Card({ title, progress }: { title: Title; progress: Progress | undefined }) {
  const at = progress?.playhead_ms ?? 0;
  const note = at > 0 ? `${clock(at)} of ${clock(title.duration_ms)}` : progress?.watched ? 'Watched' : span(title.duration_ms);
  return (
    <li class="card">
      <Picture title={title} name={title.name} value={percent(at, title.duration_ms)} />
      <span class="card-name"><span class="card-title">{title.episode ? `${title.episode}. ` : ''}{title.name}</span>
        <span class="soft">{note}</span></span>
    </li>
  );
}

function Picture({ title, name, value }: { title: Title | undefined; name: string; value: number }) {
  const picture = title ? <img src={posterOf(title)} alt="" width="320" height="180" loading="lazy" /> : <span class="no-poster">{name}</span>;
  return (
    <div class="picture">
      {title
        ? <a class="picture-link" href={playHref(title.id)} aria-label={value > 0 ? `Go on with ${name}` : `Play ${name}`}>{picture}<span class="play" aria-hidden="true" /></a>
        : picture}
      {value > 0 && <Bar value={value} label={`Watched of ${name}`} />}
    </div>
  );
}
