// A title that plays, reported by @playhead/reporter.

import { useEffect, useRef, useState } from 'preact/hooks';
import { reportVideo, type Reporter, type Viewer } from '@playhead/reporter';
import { wordsOf } from '../api.js';
import type { Ears } from '../app.js';
import type { Ended, Live } from '../live.js';
import { playHref } from '../route.js';
import { mediaOf, posterOf, useCatalogue, type Title } from '../titles.js';
import { tokenFor } from '../tokens.js';
import { Dialog, Notice } from '../ui.js';
import { useWho } from '../who.js';
import { clock, stateWord } from '../words.js';
import { OneViewer, WatchingNow } from './now.js';

interface Over {
  /** Null: the server does not know. */
  device: string | null;
}

export function Player({ title, live, ears }: { title: Title; live: Live; ears: Ears }) {
  const who = useWho();
  const catalogue = useCatalogue();
  const video = useRef<HTMLVideoElement>(null);
  const reporter = useRef<Reporter | null>(null);
  const [said, setSaid] = useState('Looking where you left off …');
  const [trouble, setTrouble] = useState('');
  const [inTheWay, setInTheWay] = useState<Viewer[] | null>(null);
  const [takenOver, setTakenOver] = useState<Over | null>(null);
  const [ended, setEnded] = useState(false);
  const next = title.next_title ? catalogue.find(title.next_title) : undefined;

  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    const made = reportVideo(element, {
      server: '', account: who.account, profile: who.profile, title: title.id, device: who.device,
      deviceType: who.deviceType, creditsMs: title.credits_ms,
      ...(title.series !== null && { series: title.series }),
      ...(title.next_title !== null && { nextTitle: title.next_title }),
      ...(tokenFor('viewing') && { token: () => tokenFor('viewing')?.text ?? '' }),
      onLimit: setInTheWay,
      onTakenOver: (device) => setTakenOver({ device }),
      onProblem: (problem) => setTrouble(problem.detail ? `${problem.title}: ${problem.detail}` : problem.title),
    });
    reporter.current = made;
    // The page's one stream hears of a take-over (live.ts). The pause makes a report, and its answer says who did it.
    const ear = (end: Ended): void => {
      if (end.end_reason === 'terminated' && end.view !== undefined && end.view === made.view) element.pause();
    };
    ears.add(ear);
    begin(made, element).catch((error: unknown) => setTrouble(wordsOf(error)));
    return () => {
      ears.delete(ear);
      made.stop();
      reporter.current = null;
    };
  }, [title.id, who.account, who.profile, who.device]);

  async function begin(made: Reporter, element: HTMLVideoElement): Promise<void> {
    const positionMs = await made.resume();
    setSaid(positionMs ? `Resumed at ${clock(positionMs)}` : 'From the start');
    // A browser that wants a click for it has the video's own button.
    if (reporter.current === made) await element.play().catch(() => undefined);
  }

  function startOver(): void {
    if (!video.current) return;
    video.current.currentTime = 0;
    setSaid('From the start');
    void playHere();
  }

  async function playHere(): Promise<void> {
    setTakenOver(null);
    setInTheWay(null);
    await video.current?.play().catch(() => undefined);
  }

  async function takeOver(view: string): Promise<void> {
    setInTheWay(null);
    if (await reporter.current?.takeOver(view)) setSaid('It plays here now');
    else if (!trouble) setSaid('It could not be taken over');
  }

  return (
    <div class="home player">
      <article class="shelves">
        <p class="crumbs"><a href="#/">← All titles</a></p>
        <div class="stage">
          <video ref={video} src={mediaOf(title)} poster={posterOf(title)} controls playsInline preload="auto" aria-label={`${title.name}, video`}
            onEnded={() => setEnded(true)} onPlay={() => { setEnded(false); setTakenOver(null); }} />
          {takenOver && (
            <div class="curtain" role="alert">
              <p class="curtain-title">{takenOver.device ? `It plays on ${takenOver.device} now` : 'This view was ended from another device'}</p>
              <p>Your position is kept.</p>
              <button type="button" onClick={() => void playHere()}>Play here again</button>
            </div>
          )}
          {ended && next && !takenOver && (
            <div class="curtain">
              <p class="curtain-title">Next: {next.name}</p>
              <a class="button" href={playHref(next.id)}>Play episode {next.episode}</a>
            </div>
          )}
        </div>
        <div class="about">
          <div>
            <h1>{title.series_name ? `${title.series_name}: ${title.name}` : title.name}</h1>
            <p class="soft">{title.episode ? `Episode ${title.episode} · ` : ''}{clock(title.duration_ms)} · {title.about}</p>
            <p class="said" role="status">{said}</p>
          </div>
          <button type="button" class="quiet" onClick={startOver}>Start over</button>
        </div>
        {trouble && <Notice kind="bad">{trouble}</Notice>}
      </article>
      <WatchingNow live={live} />
      {inTheWay && <Limit viewers={inTheWay} onTakeOver={(view) => void takeOver(view)} onClose={() => setInTheWay(null)} />}
    </div>
  );
}

interface LimitProps {
  viewers: Viewer[];
  onTakeOver: (view: string) => void;
  onClose: () => void;
}

function Limit({ viewers, onTakeOver, onClose }: LimitProps) {
  const count = viewers.length;
  return (
    <Dialog title="Too many devices play" onClose={onClose} class="limit">
      <p>This account may play on {count === 1 ? 'one device' : `${count} devices`} at a time, and {count === 1 ? 'it does' : 'all of them do'}. Take one over, or wait.</p>
      <ul class="viewers" data-testid="in-the-way">
        {viewers.map((one) => (
          <li key={one.view ?? one.device}>
            <OneViewer viewer={one} />
            {one.view !== undefined
              ? <button type="button" onClick={() => onTakeOver(one.view ?? '')}>Take over<span class="hidden-text"> from {one.device}, {stateWord(one.state)}</span></button>
              : <span class="soft">of another profile</span>}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
