// Bearer tokens of this window. One may come in the address's fragment (#token=…), which browsers
// send to nobody; it is taken out of the address bar at once and kept until the window is closed.

export type Need = 'viewing' | 'operating';

export interface Token {
  text: string;
  kind: 'viewer' | 'service' | 'operator';
  account: string | null;
  profile: string | null;
  mayDelete: boolean;
}

const KEY = 'playhead-tokens';
let kept: Token[] = [];

/** What a token says of itself; null if it is none. Whether it is to be believed, the server knows. */
export function readToken(text: string): Token | null {
  try {
    const part = text.split('.')[1] ?? '';
    const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const kind = claims['kind'];
    if (kind !== 'viewer' && kind !== 'service' && kind !== 'operator') return null;
    const name = (key: string): string | null => (typeof claims[key] === 'string' ? claims[key] : null);
    return { text, kind, account: name('account'), profile: name('profile'), mayDelete: kind === 'service' || claims['delete'] === true };
  } catch {
    return null;
  }
}

/** Keeps a token in the place of the former one of its kind. False: it is no token. */
export function keepToken(text: string): boolean {
  const token = readToken(text.trim());
  if (!token) return false;
  const of = (one: Token): Need => (one.kind === 'operator' ? 'operating' : 'viewing');
  kept = [...kept.filter((one) => of(one) !== of(token)), token];
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept.map((one) => one.text)));
  } catch {
    // Storage is forbidden here: they live as long as the page.
  }
  return true;
}

export function tokenFor(need: Need): Token | null {
  return kept.find((one) => (one.kind === 'operator') === (need === 'operating')) ?? null;
}

export function forgetTokens(): void {
  kept = [];
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // There was nothing to forget.
  }
}

export function loadTokens(): void {
  try {
    for (const text of JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as string[]) keepToken(text);
  } catch {
    forgetTokens();
  }
  takeFromAddress();
}

/** True if the address held one. */
export function takeFromAddress(): boolean {
  if (!location.hash.startsWith('#token=')) return false;
  for (const text of new URLSearchParams(location.hash.slice(1)).getAll('token')) keepToken(text);
  history.replaceState(null, '', `${location.pathname}#/`);
  return true;
}
