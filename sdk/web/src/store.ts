// Where unsent reports outlive the page: IndexedDB. A store that fails costs nothing but that:
// no method rejects, and the reports in memory are sent all the same.

import { KEPT_REPORTS_MAX, QUEUE_REPORTS_MAX } from './limits.js';
import type { Report } from './types.js';

export interface Store {
  put(report: Report): void;
  remove(reports: readonly Report[]): void;
  /** All of an account, oldest first; those beyond KEPT_REPORTS_MAX are there to be removed. */
  all(account: string): Promise<Report[]>;
}

/** Sorts by account, then time, then place within the view. */
export function keyOf(report: Report): string {
  const sequence = String(report.sequence).padStart(10, '0');
  return [report.account, report.at, report.view, sequence].join('|');
}

const TABLE = 'reports';

export class IndexedStore implements Store {
  private readonly opened: Promise<IDBDatabase | null>;

  constructor(name: string) {
    this.opened = new Promise<IDBDatabase | null>((resolve) => {
      try {
        const request = indexedDB.open(name, 1);
        request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => resolve(null);
        request.onblocked = () => resolve(null);
      } catch {
        resolve(null);
      }
    });
  }

  put(report: Report): void {
    void this.write((table) => table.put(report, keyOf(report)));
  }

  remove(reports: readonly Report[]): void {
    if (reports.length) void this.write((table) => reports.forEach((report) => table.delete(keyOf(report))));
  }

  async all(account: string): Promise<Report[]> {
    const database = await this.opened;
    if (!database) return [];
    return new Promise((resolve) => {
      const range = IDBKeyRange.bound(`${account}|`, `${account}}`);
      const request = database.transaction(TABLE).objectStore(TABLE).getAll(range, KEPT_REPORTS_MAX + QUEUE_REPORTS_MAX);
      request.onsuccess = () => resolve(request.result as Report[]);
      request.onerror = () => resolve([]);
    });
  }

  // Transactions on one table run in the order in which they were made, so a report that is put and
  // then removed is gone.
  private async write(act: (table: IDBObjectStore) => void): Promise<void> {
    const database = await this.opened;
    if (!database) return;
    try {
      act(database.transaction(TABLE, 'readwrite').objectStore(TABLE));
    } catch {
      // The disk is full, or the page is going: the reports in memory are all there is.
    }
  }
}
