// Where in the console we are: the address's fragment, as in #/play/film-1.

import { useEffect, useState } from 'preact/hooks';

export interface Route {
  page: string;
  /** What stands behind the page's name, decoded. */
  rest: string;
}

export function readRoute(hash: string): Route {
  const [, page = '', ...rest] = hash.replace(/^#/, '').split('/');
  try {
    return { page, rest: decodeURIComponent(rest.join('/')) };
  } catch {
    return { page, rest: '' };
  }
}

export function useRoute(arrived: () => void): Route {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const moved = (): void => {
      arrived();
      setRoute(readRoute(location.hash));
    };
    addEventListener('hashchange', moved);
    // It may have changed before anybody listened.
    setRoute((was) => {
      const now = readRoute(location.hash);
      return now.page === was.page && now.rest === was.rest ? was : now;
    });
    return () => removeEventListener('hashchange', moved);
  }, []);
  return route;
}

export const playHref = (title: string): string => `#/play/${encodeURIComponent(title)}`;
