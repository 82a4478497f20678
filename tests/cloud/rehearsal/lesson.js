// Plays the calls that `mesh verify` makes at any endpoint. Both homes are asked the same.

import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { textOf } from '../support/project.js';

const { selections, fields, cases } = JSON.parse(textOf('crates/mesh/src/verify/lesson.json'));

/** How often a call is sent whose answer may be right a moment later only, and the pause between, in ms. */
const TRIES = 26;
const PAUSE = 200;

/** The value with names and generators replaced, as `mesh verify` does it (`verify/pattern.rs`). */
const fill = (value, names) => {
  if (typeof value === 'string') {
    return Object.entries(names).reduce((text, [name, given]) => text.replaceAll(`\${${name}}`, given), value);
  }
  if (Array.isArray(value)) {
    return value.map(one => fill(one, names));
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  const { $repeat: text, times, $list: length, of } = value;
  if (text !== undefined) {
    return text.repeat(times);
  }
  const digits = number => `${number}`.padStart(4, '0');
  if (length !== undefined) {
    return Array.from({ length }, (_, at) => fill(of, { ...names, at: digits(at), back: digits(length - at) }));
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fill(one, names)]));
};

/** Whether a value fits a pattern: objects have at least its fields, lists its length, "*" is anything but null. */
const matches = (pattern, value) => {
  if (pattern === '*') {
    return value !== null && value !== undefined;
  }
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.length === value.length && pattern.every((one, at) => matches(one, value[at]));
  }
  if (pattern !== null && typeof pattern === 'object') {
    return value !== null && Object.entries(pattern).every(([name, one]) => matches(one, value?.[name]));
  }
  return isDeepStrictEqual(pattern, value);
};

const documentOf = ({ field, selection }) => {
  const { kind, arguments: types, selection: own } = fields[field];
  const declared = types && `(${types.replace(/(\w+):/g, '$$$1:')})`;
  const passed = types && `(${types.replace(/(\w+): [^,]+/g, '$1: $$$1')})`;
  return `${kind} Rehearsal${declared} { ${field}${passed} ${fill(selection ?? own, selections)} }`;
};

const at = (value, pointer) => pointer.split('/').slice(1).reduce((within, key) => within?.[key], value);

const isExpected = ({ field, expect = null, error, says = '' }, names, { data, errors }) =>
  error ? errors?.[0].errorType === error && errors[0].message.includes(says) : !errors && matches(fill(expect, names), data[field]);

/**
 * Plays all cases: `ask(query, variables)` sends a request and gives the whole answer. Gives each case's name, field
 * and answer, and whether the answer is what the case expects.
 */
export const holdLesson = async ask => {
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  const names = { run: 'school', domain: 'school #1 @組', hourAgo, half: '\ud83d' };
  const lines = [];
  for (const one of cases) {
    const call = () => ask(documentOf(one), fill(one.variables, names));
    let answer = await call();
    for (let tries = 1; one.lags && tries < TRIES && !isExpected(one, names, answer); tries++) {
      await pause(PAUSE);
      answer = await call();
    }
    for (const [name, pointer] of Object.entries(one.keep ?? {})) {
      names[name] = at(answer.data?.[one.field], pointer);
    }
    lines.push({ what: one.name, field: one.field, answer, isExpected: isExpected(one, names, answer) });
  }
  return lines;
};
