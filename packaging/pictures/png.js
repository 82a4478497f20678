/** Screenshots as small PNGs, and as an animated one. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import UPNG from 'upng-js';

export const folder = fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
mkdirSync(folder, { recursive: true });

/** Pages have few colours: a palette makes them a third as large, and nobody sees it. */
const COLOURS = 128;

/** Writes screenshots as one picture; each is shown for `millis`. */
export const save = (name, shots, millis = 0) => {
  const frames = shots.map(shot => UPNG.decode(shot));
  const [{ width, height }] = frames;
  const pixels = frames.map(frame => UPNG.toRGBA8(frame)[0]);
  const encoded = UPNG.encode(pixels, width, height, COLOURS, frames.map(() => millis));
  writeFileSync(join(folder, name), Buffer.from(encoded));
};
