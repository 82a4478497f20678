import { setTimeout as delay } from 'node:timers/promises';

// Long, for slow machines and for aws-amplify, which waits 5 s before it connects again.
const PATIENCE = 20_000;

/** What `promise` gives, or an error that says what was waited for. */
export const within = async (promise, what) => {
  const arrived = new AbortController();
  const late = delay(PATIENCE, undefined, { signal: arrived.signal }).then(() => {
    throw new Error(`waited ${PATIENCE} ms for ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    arrived.abort();
  }
};
