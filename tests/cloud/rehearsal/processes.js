import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

const LAST_LINES = 40;

/** Runs a command to its end; what it said is in the error if it fails. */
export const run = async (command, args, { env, cwd } = {}) => {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => (said += text));
  }
  const [code] = await once(child, 'close');
  if (code !== 0) {
    const last = said.split('\n').slice(-LAST_LINES).join('\n');
    throw new Error(`${[command, ...args].join(' ')} ended with ${code}:\n${last}`);
  }
  return said;
};

/** Starts a server that ends with this process; waits for what `isReady` reads in its output. */
export const start = async (command, args, { env, cwd, isReady }) => {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  process.on('exit', () => child.kill('SIGKILL'));
  let said = '';
  const ready = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        said += text;
        const found = isReady(said);
        if (found) {
          resolve(found);
        }
      });
    }
    child.on('error', reject);
    child.on('close', code => reject(new Error(`${command} ended with ${code}:\n${said}`)));
  });
  return {
    found: await ready,
    stop: async () => {
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      await ended;
    },
  };
};

/** A port that nobody listens on. */
export const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
};
