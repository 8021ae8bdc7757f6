// The frame around all pages: header, who watches, the live list, and what a token may not.

import { useEffect, useRef, useState } from 'preact/hooks';
import { get, wordsOf, type About, type Viewer } from './api.js';
import { Explore } from './explore.js';
import { useLive, type Ended, type Live } from './live.js';
import { Operate } from './operate/operate.js';
import { useRoute } from './route.js';
import { Settings } from './settings.js';
import { Catalogue, CatalogueContext, type Title } from './titles.js';
import { takeFromAddress, tokenFor } from './tokens.js';
import { Notice, useVisible } from './ui.js';
import { Home } from './watch/home.js';
import { History } from './watch/history.js';
import { Player } from './watch/player.js';
import { obeyToken, useWho } from './who.js';
import { endWord, stateWord } from './words.js';

const PAGES = [
  { page: '', name: 'Watch' }, { page: 'history', name: 'History' },
  { page: 'explore', name: 'Explore' }, { page: 'operate', name: 'Operate' },
] as const;

/** Who wants to hear at once that a view has ended from elsewhere. */
export type Ears = Set<(ended: Ended) => void>;

export function App() {
  const [about, setAbout] = useState<About | null>(null);
  const [catalogue, setCatalogue] = useState(() => new Catalogue([]));
  const [trouble, setTrouble] = useState('');
  const [asking, setAsking] = useState(false);
  const [, setTokens] = useState(0);
  const ears = useRef<Ears>(new Set());
  const main = useRef<HTMLElement>(null);
  const who = useWho();
  const route = useRoute(() => {
    if (takeFromAddress()) tokensChanged();
  });

  function tokensChanged(): void {
    obeyToken();
    setTokens((count) => count + 1);
  }

  useEffect(() => {
    const load = async (): Promise<void> => {
      const known = await get<About>('/console/about.json');
      if (known.answers_viewing) setCatalogue(new Catalogue((await get<{ titles: Title[] }>('/demo/titles.json')).titles));
      setAbout(known);
    };
    load().catch((error: unknown) => setTrouble(wordsOf(error)));
  }, []);

  const page = PAGES.find((one) => one.page === route.page)?.page ?? '';
  const playing = route.page === 'play' ? catalogue.find(route.rest) : undefined;
  const name = playing ? playing.name : PAGES.find((one) => one.page === page)?.name;
  useEffect(() => { document.title = `${name} · Playhead`; }, [name]);
  const first = useRef(true);
  useEffect(() => {
    // Whoever can't see that another page has come is told by the focus.
    if (!first.current) main.current?.focus();
    first.current = false;
    scrollTo(0, 0);
  }, [route.page, route.rest]);

  const mayView = about !== null && about.answers_viewing && (!about.needs_token || tokenFor('viewing') !== null);
  const say = (event: Viewer | Ended, before?: Viewer): string => {
    const someone = 'profile' in event ? event.profile : before?.profile;
    const title = catalogue.nameOf('title' in event ? event.title : before?.title);
    const device = event.device ?? before?.device ?? 'a device';
    if (device === who.device) return '';
    const does = 'end_reason' in event ? endWord(event.end_reason) : stateWord(event.state);
    return `${someone ?? 'Somebody'} on ${device}, ${title}: ${does}`;
  };
  // A tab that nobody sees and that plays nothing leaves its connection to those that do.
  const visible = useVisible();
  const live = useLive(who.account, mayView && (visible || route.page === 'play'), say, (ended) => ears.current.forEach((ear) => ear(ended)));

  return (
    <CatalogueContext.Provider value={catalogue}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>Skip to content</a>
      <header class="top">
        <a class="brand" href="#/" aria-label="Playhead, home">
          <Mark />
          <span>Playhead</span>
        </a>
        <nav aria-label="Pages">
          {PAGES.map((one) => (
            <a key={one.page} href={`#/${one.page}`} aria-current={route.page === one.page || (one.page === '' && route.page === 'play') ? 'page' : undefined}>{one.name}</a>
          ))}
        </nav>
        <button type="button" class="me" aria-haspopup="dialog" onClick={() => setAsking(true)}>
          <Face name={who.profile} />
          <span class="me-name">{who.profile}</span>
          <span class="hidden-text">, change profile and settings</span>
        </button>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {trouble && <Notice kind="bad">{trouble}</Notice>}
        {about && <Body page={route.page} about={about} mayView={mayView} playing={playing} live={live} ears={ears.current} onTokens={tokensChanged} />}
      </main>
      <p class="hidden-text" role="status" aria-live="polite">{live.news}</p>
      {asking && <Settings about={about} onClose={() => setAsking(false)} onTokens={tokensChanged} />}
    </CatalogueContext.Provider>
  );
}

interface BodyProps {
  page: string;
  about: About;
  mayView: boolean;
  playing: Title | undefined;
  live: Live;
  ears: Ears;
  onTokens: () => void;
}

function Body({ page, about, mayView, playing, live, ears, onTokens }: BodyProps) {
  if (page === 'operate') return <Operate about={about} onTokens={onTokens} />;
  if (!about.answers_viewing) {
    return (
      <Notice kind="info">
        This is the operators’ address: it shows how the server is doing, under <a href="#/operate">Operate</a>. What is
        watched is answered at the server’s other address only.
      </Notice>
    );
  }
  if (!mayView) return <Settings.Tokens kind="viewer" onTokens={onTokens} />;
  if (page === 'history') return <History live={live} />;
  if (page === 'explore') return <Explore about={about} />;
  if (page === 'play') {
    return playing ? <Player key={playing.id} title={playing} live={live} ears={ears} />
      : <Notice kind="bad">There is no such title here. <a href="#/">All titles</a></Notice>;
  }
  return <Home live={live} />;
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path d="M7 16h18" stroke="var(--on-accent)" stroke-opacity=".45" stroke-width="3" stroke-linecap="round" />
      <path d="M7 16h9" stroke="var(--on-accent)" stroke-width="3" stroke-linecap="round" />
      <circle cx="16" cy="16" r="5" fill="var(--on-accent)" />
    </svg>
  );
}

export function Face({ name }: { name: string }) {
  const hue = [...name].reduce((sum, c) => (sum * 31 + (c.codePointAt(0) ?? 0)) % 6, 7);
  return <span class={`face face-${hue}`} aria-hidden="true">{name.slice(0, 1).toUpperCase()}</span>;
}
