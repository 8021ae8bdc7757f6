// The titles that can be played: /demo/titles.json, as tools/demo-titles makes it.

import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

export interface Title {
  id: string;
  name: string;
  about: string;
  series: string | null;
  series_name: string | null;
  episode: number | null;
  duration_ms: number;
  credits_ms: number;
  next_title: string | null;
  media: string;
  poster: string;
}

export class Catalogue {
  private readonly byId: Map<string, Title>;

  constructor(readonly all: Title[]) {
    this.byId = new Map(all.map((title) => [title.id, title]));
  }

  find(id: string): Title | undefined { return this.byId.get(id); }

  /** As people say it; a title that is not ours by its id. */
  nameOf(id: string | undefined): string {
    if (id === undefined) return 'something';
    const title = this.byId.get(id);
    if (!title) return id;
    return title.series_name ? `${title.series_name}: ${title.name}` : title.name;
  }
}

export const CatalogueContext = createContext(new Catalogue([]));
export const useCatalogue = (): Catalogue => useContext(CatalogueContext);

export const mediaOf = (title: Title): string => `/demo/${title.media}`;
export const posterOf = (title: Title): string => `/demo/${title.poster}`;
