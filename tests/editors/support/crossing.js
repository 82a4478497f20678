// Two programs in one group, and what goes between them.
import assert from 'node:assert/strict';
import { latency } from './latency.js';

/** Waits until both have entered. */
export const bothEntered = async (...opened) => {
  const programs = await Promise.all(opened);
  for (const program of programs) await program.until('entered', 'yes');
  return programs;
};

/**
 * Values and events from one program to the other. With each event comes the value that was set before it, or a
 * newer one; gives how long they took.
 */
const there = async (one, other, count) => {
  await one.press('s');
  await other.untilLong('latencies', count);
  const heard = (await other.value('heard')).map(Number);
  heard.forEach((score, index) => assert.ok(score > index && score <= count, `heard ${heard}`));
  return latency(await other.value('latencies'));
};

/** There and back; prints how long it took. */
export const crossing = async (one, other, count = 5) => {
  console.log(`  there: ${await there(one, other, count)}; back: ${await there(other, one, count)}`);
  // What came twice would have come by now.
  for (const program of [one, other]) assert.equal((await program.value('heard')).length, count);
};
