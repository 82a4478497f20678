import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Holds the certificate that Node is told to trust before the tests start (see certificate.js). */
export const TLS_FOLDER = fileURLToPath(new URL('../.tls', import.meta.url));

/** An empty folder, gone with the process. */
export const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-clients-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
};
