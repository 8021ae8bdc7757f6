// Times and numbers as people read them.

/** 754000 -> "12:34" */
export function clock(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  return hours ? `${hours}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

/** 754000 -> "12 min" */
export function span(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.round(s / 60)} min`;
  return `${Math.floor(s / 3600)} h ${Math.round(s / 60) % 60} min`;
}

export function moment(time: string): string {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? `today, ${date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })}`
    : date.toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}

export function stateWord(state: string): string {
  const words: Record<string, string> = {
    starting: 'starting', playing: 'playing', paused: 'paused', seeking: 'seeking', rebuffering: 'waiting for data',
    ad: 'in a break',
  };
  return words[state] ?? state;
}

export function endWord(reason: string | null): string {
  const words: Record<string, string> = {
    stopped: 'stopped', completed: 'played to the end', failed: 'failed', expired: 'fell silent',
    replaced: 'replaced by another on its device', terminated: 'ended from another device',
  };
  return reason === null ? 'still on' : words[reason] ?? reason;
}

/** 1536 -> "1.5 KiB" */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = count;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-GB');
  return value.toLocaleString('en-GB', { maximumFractionDigits: value < 10 ? 2 : 1 });
}

export function percent(part: number | null | undefined, whole: number | null | undefined): number {
  return part && whole ? Math.min(100, (part / whole) * 100) : 0;
}
