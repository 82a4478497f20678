/** What the same would cost on AWS, since the server started or since somebody began to count. */
import { say } from './speech.js';

const at = id => document.getElementById(id);
const COUNTED = ['dollars', 'requests', 'messages', 'connectionMinutes', 'units'];

let latest;
let start = {};

export const showBill = bill => {
  latest = bill;
  const count = Object.fromEntries(COUNTED.map(name => [name, bill[name] - (start[name] ?? 0)]));
  const rounded = name => Math.round(count[name]).toLocaleString('en');
  at('dollars').textContent = `US$ ${count.dollars.toFixed(count.dollars < 0.01 ? 6 : 2)}`;
  const [requests, messages, minutes, units] = COUNTED.slice(1).map(rounded);
  say(at('bill-text'), 'billText', { requests, messages, minutes, units });
  say(at('prices'), 'prices', { region: bill.region, date: bill.date });
};

at('reset').addEventListener('click', () => {
  if (!latest) return;
  start = latest;
  showBill(latest);
});
