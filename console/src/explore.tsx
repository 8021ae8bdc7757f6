// Any account's three answers, as tables and as JSON, with the command that gives the same.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { accountPath, get, profilePath, wordsOf, type About, type HistoryItem, type Page, type Progress, type Viewer } from './api.js';
import { useCatalogue } from './titles.js';
import { tokenFor } from './tokens.js';
import { CopyButton, Notice } from './ui.js';
import { ID_PATTERN, useWho } from './who.js';
import { clock, endWord, moment, span, stateWord } from './words.js';

interface Asked {
  account: string;
  profile: string;
  /** Asked again: another number. */
  time: number;
}

export function Explore({ about }: { about: About }) {
  const who = useWho();
  const bound = tokenFor('viewing');
  const [asked, setAsked] = useState<Asked>({ account: who.account, profile: who.profile, time: 0 });
  const [profiles, setProfiles] = useState<string[]>([]);
  const [shape, setShape] = useState<'tables' | 'json'>('tables');
  useEffect(() => {
    get<Page<{ profile: string }>>(`${accountPath(asked.account)}/profiles`)
      .then((page) => setProfiles(page.items.map((one) => one.profile)), () => setProfiles([]));
  }, [asked]);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setAsked((was) => ({ account: String(form.get('account')), profile: String(form.get('profile')), time: was.time + 1 }));
  };
  const of = profilePath(asked.account, asked.profile);
  const shared = { asked, shape, needsToken: about.needs_token };
  return (
    <>
      <h1>Explore</h1>
      <p class="lead">Three questions, asked for any account: who is watching, where did they leave off, what have they watched.</p>
      <form class="filters panel" aria-label="Whose answers" onSubmit={submit}>
        <label>Account<input name="account" required pattern={ID_PATTERN} autocomplete="off" defaultValue={asked.account} readOnly={bound?.account != null} /></label>
        <label>Profile<input name="profile" required pattern={ID_PATTERN} autocomplete="off" defaultValue={asked.profile} list="profiles" readOnly={bound?.profile != null} /></label>
        <datalist id="profiles">{profiles.map((profile) => <option key={profile} value={profile} />)}</datalist>
        <button type="submit">Ask</button>
        <fieldset class="choice">
          <legend class="hidden-text">Show answers as</legend>
          {(['tables', 'json'] as const).map((one) => (
            <label key={one}><input type="radio" name="shape" value={one} checked={shape === one} onChange={() => setShape(one)} /><span>{one === 'json' ? 'JSON' : 'Tables'}</span></label>
          ))}
        </fieldset>
      </form>
      {profiles.length > 0 && <p class="soft">Profiles that have reported: {profiles.join(', ')}</p>}
      <Answer<Viewer> {...shared} title="Viewers: who is watching now?" path={`${accountPath(asked.account)}/viewers`}
        head={['Title', 'Profile', 'Device', 'State', 'Position']} row={viewerCells} />
      <Answer<Progress> {...shared} title="Progress: where did they leave off?" path={`${of}/progress?limit=100`}
        head={['Title', 'Position', 'Of', 'Marks', 'Moved']} row={progressCells} />
      <Answer<HistoryItem> {...shared} title="History: what have they watched?" path={`${of}/history?limit=100`}
        head={['Title', 'Started', 'Device', 'Played', 'Ended']} row={historyCells} />
    </>
  );
}

type Names = (id: string | undefined) => string;

function viewerCells(one: Viewer, nameOf: Names): string[] {
  const at = one.playhead_ms;
  return [one.title === undefined ? 'another profile’s' : nameOf(one.title), one.profile ?? '–', one.device ?? '–', stateWord(one.state), at == null ? '–' : clock(at)];
}

function progressCells(one: Progress, nameOf: Names): string[] {
  const marks = [one.finished && 'finished', one.watched && 'watched', one.hidden && 'hidden'].filter(Boolean).join(', ');
  return [nameOf(one.title), one.playhead_ms === null ? '–' : clock(one.playhead_ms), one.duration_ms ? clock(one.duration_ms) : '–', marks || '–', one.at ? moment(one.at) : '–'];
}

function historyCells(one: HistoryItem, nameOf: Names): string[] {
  return [nameOf(one.title), moment(one.started_at), one.device ?? '–', span(one.watched_ms), endWord(one.end_reason)];
}

interface AnswerProps<T> {
  asked: Asked;
  shape: 'tables' | 'json';
  needsToken: boolean;
  title: string;
  path: string;
  head: string[];
  row: (item: T, nameOf: Names) => string[];
}

function Answer<T>({ asked, shape, needsToken, title, path, head, row }: AnswerProps<T>) {
  const catalogue = useCatalogue();
  const [page, setPage] = useState<Page<T> | null>(null);
  const [trouble, setTrouble] = useState('');
  useEffect(() => {
    let gone = false;
    get<Page<T>>(path).then((found) => {
      if (gone) return;
      setPage(found);
      setTrouble('');
    }, (error: unknown) => {
      if (gone) return;
      setPage(null);
      setTrouble(wordsOf(error));
    });
    return () => { gone = true; };
  }, [path, asked]);
  const token = needsToken ? ' -H "Authorization: Bearer $TOKEN"' : '';
  const command = `curl '${location.origin}${path}'${token}`;
  let body: ComponentChildren = null;
  if (page && shape === 'json') body = <pre tabIndex={0} role="region" aria-label={`${title} JSON`}>{JSON.stringify(page, null, 2)}</pre>;
  else if (page && page.items.length === 0) body = <p class="soft empty">None.</p>;
  else if (page) {
    body = (
      <div class="table" tabIndex={0} role="region" aria-label={`${title} Table`}>
        <table>
          <thead><tr>{head.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
          <tbody>{page.items.map((item, place) => <tr key={place}>{row(item, (id) => catalogue.nameOf(id)).map((cell, column) => <td key={column} data-name={head[column]}>{cell}</td>)}</tr>)}</tbody>
        </table>
      </div>
    );
  }
  return (
    <section class="panel answer">
      <h2>{title}</h2>
      {trouble && <Notice kind="bad">{trouble}</Notice>}
      {body}
      {page && <p class="soft">As of {new Date(page.as_of).toLocaleTimeString('en-GB')}{page.stale ? ', may be stale' : ''}{page.next ? '; there is more' : ''}</p>}
      <div class="command"><code tabIndex={0} role="group" aria-label="The same by curl">{command}</code><CopyButton text={command} /></div>
    </section>
  );
}
