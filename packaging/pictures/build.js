/**
 * Makes the pictures of README.md, README.ja.md and the guide out of the program itself: `mesh serve` with a lesson of
 * `mesh simulate`, and Scratch's editor with the extension, in Chromium. They are committed, in docs/pictures.
 *
 * `make pictures` runs it. MESH_BINARY names the program, EDITOR the folder of Scratch's editor.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startBrowser } from '../../tests/browser/support/browser.js';
import { drawBlocks } from './blocks.js';
import { drawLesson } from './lesson.js';
import { folder } from './png.js';

/** All of them together, so that a clone stays small. */
const MOST_BYTES = 600_000;

// The editor's stage needs WebGL.
const browser = await startBrowser('--enable-unsafe-swiftshader');
await drawLesson(browser);
await drawBlocks(browser);
await browser.close();

const sizes = readdirSync(folder).map(name => [name, statSync(join(folder, name)).size]);
sizes.forEach(([name, size]) => console.log(`${String(size).padStart(8)} ${name}`));
const total = sizes.reduce((sum, [, size]) => sum + size, 0);
console.log(`${String(total).padStart(8)} in all, at most ${MOST_BYTES}`);
process.exit(total > MOST_BYTES ? 1 : 0);
