/** Milliseconds from one program to another, in words. They are shown, and not asserted: machines differ. */
export const latency = values => {
  const sorted = values.map(Number).sort((one, other) => one - other);
  const at = share => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(0);
  return `${sorted.length} events, median ${at(0.5)} ms, p99 ${at(0.99)} ms`;
};
