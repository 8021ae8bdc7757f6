// What a page has to load.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { gzipSync } from 'node:zlib';

const BYTES_MAX = 8_000;

test('the package is smaller than 8 kB, compressed, and imports nothing', () => {
  const text = readFileSync(new URL('../dist/reporter.js', import.meta.url));
  const bytes = gzipSync(text, { level: 9 }).length;
  console.log(`dist/reporter.js: ${text.length} bytes, ${bytes} compressed`);
  assert.ok(bytes < BYTES_MAX, `${bytes} bytes`);
  assert.equal(/(^|[;}])import[ "'{*]/.test(text.toString()), false);
  const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.equal(dependencies, undefined);
});
