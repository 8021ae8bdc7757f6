// Who watches, on which account, as which device, and with which tokens.

import { useEffect, useState } from 'preact/hooks';
import { accountPath, get, wordsOf, type About, type Page } from './api.js';
import { Face } from './app.js';
import { forgetTokens, keepToken, tokenFor } from './tokens.js';
import { Dialog, Notice } from './ui.js';
import { change, ID_PATTERN, STANDARD_PROFILES, useWho } from './who.js';

interface SettingsProps {
  about: About | null;
  onClose: () => void;
  onTokens: () => void;
}

export function Settings({ about, onClose, onTokens }: SettingsProps) {
  const who = useWho();
  const token = tokenFor('viewing');
  const [known, setKnown] = useState<string[]>([]);
  const mayAsk = about?.answers_viewing && (!about.needs_token || token !== null);
  useEffect(() => {
    if (!mayAsk) return;
    get<Page<{ profile: string }>>(`${accountPath(who.account)}/profiles`)
      .then((page) => setKnown(page.items.map((one) => one.profile)), () => undefined);
  }, [who.account, mayAsk]);
  const profiles = token?.profile ? [token.profile] : [...new Set([...STANDARD_PROFILES, ...known, who.profile])];
  const choose = (profile: string): void => {
    change({ profile });
    onClose();
  };
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string, or: string): string => String(form.get(name) ?? '').trim() || or;
    change({
      account: token?.account ?? text('account', who.account), profile: text('profile', who.profile),
      device: text('device', who.device),
    });
    onClose();
  };
  return (
    <Dialog title="Who is watching?" onClose={onClose}>
      <ul class="faces">
        {profiles.map((profile) => (
          <li key={profile}>
            <button type="button" class="face-button" aria-pressed={profile === who.profile} onClick={() => choose(profile)}>
              <Face name={profile} />
              <span>{profile}</span>
            </button>
          </li>
        ))}
      </ul>
      <form class="fields" onSubmit={save}>
        {!token?.profile && <label>Another profile<input name="profile" pattern={ID_PATTERN} autocomplete="off" placeholder="a name without spaces" /></label>}
        <label>Account<input name="account" pattern={ID_PATTERN} autocomplete="off" defaultValue={who.account} readOnly={token?.account != null} /></label>
        <label>This device<input name="device" pattern={ID_PATTERN} autocomplete="off" defaultValue={who.device} /></label>
        <div class="row"><button type="submit">Save</button></div>
      </form>
      {about?.needs_token && <Settings.Tokens kind="viewer" onTokens={onTokens} />}
    </Dialog>
  );
}

Settings.Tokens = function Tokens({ kind, onTokens }: { kind: 'viewer' | 'operator'; onTokens: () => void }) {
  const [wrong, setWrong] = useState('');
  const held = tokenFor(kind === 'viewer' ? 'viewing' : 'operating');
  const take = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    try {
      const good = keepToken(String(new FormData(form).get('token') ?? ''));
      setWrong(good ? '' : 'That is no token of this server.');
      if (good) form.reset();
    } catch (error) {
      setWrong(wordsOf(error));
    }
    onTokens();
  };
  return (
    <section class="panel tokens">
      <h2>{held ? 'Token' : `This server wants ${kind === 'viewer' ? 'a viewer’s' : 'an operator’s'} token`}</h2>
      <p class="soft">{kind === 'viewer' ? 'It says whose account this is. ' : 'Viewers’ tokens do not show how the server is doing. '}
        Make one for an hour with <code>playhead token --keys keys.json {kind === 'viewer' ? '--account home' : '--kind operator'}</code>,
        or open the address that <code>script/server --lan</code> prints. It is kept until this window is closed.</p>
      {wrong && <Notice kind="bad">{wrong}</Notice>}
      <form class="fields" onSubmit={take}>
        <label>Token<input name="token" type="password" autocomplete="off" required /></label>
        <div class="row">
          <button type="submit">Use it</button>
          {held && <button type="button" class="quiet" onClick={() => { forgetTokens(); onTokens(); }}>Forget all tokens</button>}
        </div>
      </form>
    </section>
  );
};
