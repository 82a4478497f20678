// What the two libraries expect of a browser and Node 20 lacks. Import this before them.

import { EventEmitter, once } from 'node:events';
import { WebSocket } from 'ws';
import { within } from './within.js';

const frames = new EventEmitter();

/** What the libraries dialled, in order: `{ args: [url, protocols], socket }`. */
export const dialled = [];

// `ws`, unchanged, but that it tells the tests what arrives: aws-appsync tells nobody when a subscription stands.
globalThis.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    dialled.push({ args, socket: this });
    this.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(data);
      frames.emit(`a ${frame.type} frame`, frame);
    });
  }
};

/** The next frame of a type on any socket; ask before doing what brings it about. */
export const nextFrame = async type => {
  const name = `a ${type} frame`;
  const [frame] = await within(once(frames, name), name);
  return frame;
};

// Both libraries leave timers of 15 s and more behind, also after a handshake that went well; nothing waits for them.
for (const name of ['setTimeout', 'setInterval']) {
  const start = globalThis[name];
  globalThis[name] = (callback, delay, ...args) => {
    const timer = start(callback, delay, ...args);
    return delay >= 15_000 ? timer.unref() : timer;
  };
}
