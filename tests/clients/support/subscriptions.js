import { once } from 'node:events';
import { dialled, nextFrame } from './globals.js';
import { Inbox } from './inbox.js';
import { within } from './within.js';

const begun = [];

/**
 * Ends every subscription; the libraries hang up a second later. Not to be forgotten before the server goes for good:
 * they would dial it forever, and the tests would never end.
 */
export const hangUp = async () => {
  begun.forEach(subscription => subscription.unsubscribe());
  const open = dialled.map(({ socket }) => socket).filter(socket => socket.readyState !== socket.CLOSED);
  await within(Promise.all(open.map(socket => once(socket, 'close'))), 'the sockets to close');
};

/** What `observe`, a library's own subscribing, brings: `messages` and `errors`, and `stop` to end it. */
export const begin = observe => {
  const messages = new Inbox('a message');
  const errors = new Inbox('an error');
  const subscription = observe().subscribe({
    next: ({ data }) => messages.put(data.onMessageInGroup),
    error: error => errors.put(error),
  });
  begun.push(subscription);
  const stop = async () => {
    const stopped = nextFrame('complete');
    subscription.unsubscribe();
    await stopped;
  };
  return { messages, errors, stop };
};

/** The same, once the server has acknowledged it: until then messages may pass it by. */
export const acknowledged = async observe => {
  const started = nextFrame('start_ack');
  const subscription = begin(observe);
  await started;
  return subscription;
};
