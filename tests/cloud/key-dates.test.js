import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problems, suggestion } from '../../scripts/key-dates.mjs';
import { textOf } from './support/project.js';

const DAY = 86_400;
const NOW = 1_795_000_000;
const config = days => `
[default.global.parameters]
parameter_overrides = ["Stage=stg", "ApiKeyAExpires=${NOW + days * DAY}"]

[prod.global.parameters]
parameter_overrides = ["Stage=prod", "ApiKeyAExpires=0"]
`;

test('a date of 1 to 365 days ahead is taken', () => {
  for (const days of [1, 30, 365]) {
    assert.deepEqual(problems(config(days), 'default', NOW), []);
  }
});

test('any other is refused, and so are no key and no environment', () => {
  for (const days of [-10, 0, 0.5, 366]) {
    assert.match(problems(config(days), 'default', NOW).join(), /^ApiKeyAExpires of default is \d{4}-\d\d-\d\d, -?\d+ days from now$/);
  }
  assert.deepEqual(problems(config(30), 'prod', NOW), ['prod has no API key: set ApiKeyAExpires']);
  assert.deepEqual(problems(config(30), 'dev', NOW), ['samconfig.toml has no environment dev']);
});

test('the dates of samconfig.toml are found, and the suggested one is good', () => {
  const [seconds] = suggestion(NOW).split(' ');
  for (const stage of ['default', 'prod']) {
    const written = textOf('samconfig.toml').replaceAll(/(ApiKeyAExpires=)\d+/g, `$1${seconds}`);
    assert.deepEqual(problems(written, stage, NOW), []);
    assert.equal(problems(written, stage, Number(seconds)).length, 1);
  }
});
