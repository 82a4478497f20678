/** Waiting for a session's events, never for time to pass. */

const TIMEOUT = 20_000;

/** The detail of the first event of this type for which `isWanted` returns true. */
export function nextEvent(session, type, isWanted = () => true, timeout = TIMEOUT) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`No such ${type} within ${timeout} ms`)), timeout);
    session.addEventListener(type, function listener({ detail }) {
      if (!isWanted(detail)) return;
      clearTimeout(timer);
      session.removeEventListener(type, listener);
      resolve(detail);
    });
  });
}

/** Calls `ask` again and again until `isWanted` returns true for its result. */
export async function until(ask, isWanted = Boolean, timeout = TIMEOUT) {
  for (const end = performance.now() + timeout; ; ) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (performance.now() > end) throw new Error(`Still ${JSON.stringify(answer)} after ${timeout} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Collects the details of a type of event. */
export function collect(session, type, part = (detail) => detail) {
  const all = [];
  session.addEventListener(type, ({ detail }) => all.push(part(detail)));
  return all;
}
