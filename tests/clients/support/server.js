import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { within } from './within.js';

const BINARY = process.env.MESH_BINARY ?? fileURLToPath(new URL('../../../target/debug/mesh', import.meta.url));
const API_KEY = 'da2-real-clients';

// The developer's own settings are not the tests'.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MESH_')));

/** The real `mesh serve` with its data in `folder`, to be ended and started again. */
export const startServer = async (folder, ...options) => {
  let child;
  const server = { apiKey: API_KEY, endpoint: undefined };

  server.start = async () => {
    // A second start takes the port of the first, where the clients look for it.
    const listen = server.endpoint ? new URL(server.endpoint).host : '127.0.0.1:0';
    const args = ['serve', '--listen', listen, '--api-key', API_KEY, '--data', folder, ...options];
    child = spawn(BINARY, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', text => (said += text));
    const ready = once(createInterface(child.stdout), 'line');
    const ended = once(child, 'close').then(() => {
      throw new Error(`the server ended before it was ready:\n${said}`);
    });
    const [line] = await within(Promise.race([ready, ended]), 'the server to be ready');
    server.endpoint = line.match(/^Mesh is ready: (\S+)$/)[1];
  };

  const end = async signal => {
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = await within(ended, 'the server to end');
    return code;
  };
  /** Ends it as a power cut would. */
  server.kill = () => end('SIGKILL');
  /** Ends it as its operator would; gives the exit code. */
  server.stop = () => end('SIGTERM');

  process.on('exit', () => child.kill('SIGKILL'));
  await server.start();
  return server;
};
