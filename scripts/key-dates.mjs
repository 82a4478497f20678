// node scripts/key-dates.mjs ENVIRONMENT: whether AppSync will take the API keys' dates of samconfig.toml, whose
// environments are default (staging) and prod.
// node scripts/key-dates.mjs: a date to write there. `make deploy` and `make key-date` run it.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DAY = 86_400;
/** AppSync takes 1 to 365 days; five are left for the deploy to be repeated. */
const SUGGESTED_DAYS = 360;

const day = seconds => new Date(seconds * 1000).toISOString().slice(0, 10);

/** A date for a new key, as samconfig.toml has it. */
export const suggestion = now => {
  const seconds = Math.floor(now / DAY + SUGGESTED_DAYS) * DAY;
  return `${seconds} # ${day(seconds)}`;
};

/** What is wrong with an environment's dates in `config`, the text of samconfig.toml, at `now`; nothing if none is. */
export const problems = (config, environment, now) => {
  const [, section] = config.match(new RegExp(`^\\[${environment}\\.global\\.parameters\\]$([^]*?)(?:^\\[|$(?![^]))`, 'm')) ?? [];
  if (section === undefined) {
    return [`samconfig.toml has no environment ${environment}`];
  }
  const dates = [...section.matchAll(/"ApiKey([AB])Expires=(\d+)"/g)].filter(([, , seconds]) => seconds !== '0');
  const found = dates.flatMap(([, key, seconds]) => {
    const days = (seconds - now) / DAY;
    return days >= 1 && days <= 365 ? [] : [`ApiKey${key}Expires of ${environment} is ${day(seconds)}, ${Math.floor(days)} days from now`];
  });
  return dates.length > 0 ? found : [`${environment} has no API key: set ApiKeyAExpires`];
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , environment] = process.argv;
  const now = Date.now() / 1000;
  const found = environment
    ? problems(readFileSync(new URL('../samconfig.toml', import.meta.url), 'utf8'), environment, now)
    : [];
  for (const problem of found) {
    console.error(problem);
  }
  if (found.length > 0) {
    console.error(`A key's date must be 1 to 365 days ahead, such as ${suggestion(now)}`);
    process.exitCode = 1;
  } else if (!environment) {
    console.log(suggestion(now));
  }
}
