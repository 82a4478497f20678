/**
 * Server-sent events over fetch, which can send the key in a header; EventSource cannot.
 *
 * Source: HTML standard, "Server-sent events": blocks end with an empty line, data stands behind "data:".
 */
const SILENCE = 40_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 10_000;

/** The server refused: `status` says why. */
export class Refused extends Error {
  constructor(status) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

/**
 * Calls `onFrame` with each frame and whether it is the first of its connection, `onState` with "live" and
 * "broken". Connects again by itself; rejects only when the key is refused.
 */
export const follow = async (key, onFrame, onState) => {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      await connect(key, (frame, isFirst) => {
        pause = FIRST_PAUSE;
        onState('live');
        onFrame(frame, isFirst);
      });
    } catch (error) {
      if (error instanceof Refused && error.status === 401) throw error;
      onState(error instanceof Refused && error.status === 429 ? 'tooMany' : 'broken');
    }
    await new Promise(resolve => setTimeout(resolve, pause * (0.5 + Math.random() / 2)));
  }
};

const connect = async (key, onFrame) => {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE);
  try {
    const headers = { 'x-admin-key': key, accept: 'text/event-stream' };
    const response = await fetch('/admin/board', { headers, signal: silence.signal, cache: 'no-store' });
    if (!response.ok) throw new Refused(response.status);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let waiting = '';
    let isFirst = true;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error('the stream ended');
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE);
      const blocks = (waiting + value).split('\n\n');
      waiting = blocks.pop();
      for (const block of blocks) {
        if (!block.startsWith('data:')) continue;
        onFrame(JSON.parse(block.slice('data:'.length)), isFirst);
        isFirst = false;
      }
    }
  } finally {
    clearTimeout(timer);
  }
};
