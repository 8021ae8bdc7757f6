// Makes the console's one script and one style sheet out of src/, and the page that names them.
//   node console/build.mjs DIRECTORY
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const [directory] = process.argv.slice(2);
if (!directory) throw new Error('usage: node console/build.mjs DIRECTORY');

const { outputFiles } = await build({
  entryPoints: { console: path.join(here, 'src/main.tsx') },
  bundle: true,
  minify: true,
  write: false,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  alias: { '@playhead/reporter': path.join(here, '../sdk/web/src/index.ts') },
  outdir: directory,
  logLevel: 'warning',
});

await mkdir(directory, { recursive: true });
let page = await readFile(path.join(here, 'src/index.html'), 'utf8');
const files = outputFiles.map((file) => [path.basename(file.path), Buffer.from(file.contents)]);
files.push(['icon.svg', await readFile(path.join(here, 'src/icon.svg'))]);
for (const [name, bytes] of files) {
  // A browser may keep a part for ever: changed, it has another address.
  const version = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  if (!page.includes(`/console/${name}"`)) throw new Error(`src/index.html does not name ${name}`);
  page = page.replace(`/console/${name}"`, `/console/${name}?v=${version}"`);
  if (name !== 'icon.svg') await writeFile(path.join(directory, `${name}.gz`), gzipSync(bytes, { level: 9 }));
}
await writeFile(path.join(directory, 'index.html'), page);
