// Waiting for what another process does, in a bounded number of looks.

const LOOKS_MAX = 400;
const PAUSE_MS = 25;

/** look()'s first answer that is true. */
export async function eventually(look, what) {
  for (let tried = 0; tried < LOOKS_MAX; tried++) {
    const found = await look();
    if (found) return found;
    await spend(PAUSE_MS);
  }
  throw new Error(`not within ${(LOOKS_MAX * PAUSE_MS) / 1000} s: ${what}`);
}

/** Time that passes because a test is about time. Not for waiting until something has happened. */
export function spend(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}
