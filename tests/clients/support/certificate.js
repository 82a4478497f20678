// Has the server make its self-signed certificate. It must be there before the tests' own processes start: Node
// reads NODE_EXTRA_CA_CERTS at its start and never again.

import { rmSync } from 'node:fs';
import { TLS_FOLDER } from './folders.js';
import { startServer } from './server.js';

rmSync(TLS_FOLDER, { recursive: true, force: true });
const server = await startServer(TLS_FOLDER, '--tls');
await server.kill();
