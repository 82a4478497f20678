// The projects that the tests play.
import * as b from './blocks.js';
import { projectFile } from './project.js';

const MS_PER_DAY = 86_400_000;
const now = b.block('sensing_dayssince2000');
const times = (one, other) => b.block('operator_multiply', { NUM1: one, NUM2: other });
const minus = (one, other) => b.block('operator_subtract', { NUM1: one, NUM2: other });

const sensorValue = name => b.block('meshV2_getSensorValue', { NAME: b.choice('meshV2_menu_variableNames', name) });
const enter = group => b.block('meshV2_enter', { NAME: group });

/** What a receiver notes in the lists `heard` and `latencies`: the value that came before, and how long it took. */
const note = [b.append('heard', sensorValue('score')), b.append('latencies', times(MS_PER_DAY, minus(now, sensorValue('sent'))))];

const asFile = (extension, more, scripts) =>
  projectFile({ variables: ['entered', 'score', 'sent'], lists: ['heard', 'latencies'], extension, scripts, ...more });

/**
 * Enters a group with the flag. Key S counts the score up and sends a message, `count` times; others' messages
 * are noted. As a project of Smalruby it has no block of the extension but that for values and that to enter.
 */
export const game = (extension, { sends, hears, group = 'Class 3', count = 5, pause = 0.1 }) =>
  asFile(extension, { messages: [sends, hears] }, [
    b.whenFlag(enter(group), b.set('entered', 'yes')),
    b.whenKey(
      's',
      b.repeat(
        count,
        b.block('data_changevariableby', { VALUE: 1 }, { VARIABLE: 'score' }),
        b.set('sent', now),
        b.broadcast(b.message(sends)),
        b.wait(pause),
      ),
    ),
    b.whenReceived(hears, ...note),
  ]);

/** The same where the extension cannot see the project: all by blocks of its own. */
export const sandboxedGame = (extension, { sends, hears, group = 'Class 3', count = 5, pause = 0.5 }) => {
  const share = name => b.block('meshV2_setValue', { NAME: name, VALUE: b.variable(name) });
  return asFile(extension, {}, [
    b.whenFlag(enter(group), b.set('entered', 'yes')),
    b.whenKey(
      's',
      b.repeat(
        count,
        b.block('data_changevariableby', { VALUE: 1 }, { VARIABLE: 'score' }),
        share('score'),
        b.set('sent', now),
        share('sent'),
        b.block('meshV2_sendEvent', { EVENT: sends }),
        b.wait(pause),
      ),
    ),
    [b.block('meshV2_whenEvent', { EVENT: hears }), ...note],
  ]);
};

/** Does nothing by itself. */
export const idle = extension => asFile(extension, {}, []);

/** Key S sends a message whose name no script of this project has, and no menu. */
export const stranger = extension =>
  asFile(extension, {}, [
    b.whenFlag(enter('Class 3'), b.set('entered', 'yes')),
    b.whenKey('s', b.set('score', 1), b.broadcast(b.join('le', 'ft'))),
  ]);

/** Key S sends `beat` ten times in one frame, and `end`. */
export const drummer = extension =>
  asFile(extension, { messages: ['beat', 'end'] }, [
    b.whenFlag(enter('Class 3'), b.set('entered', 'yes')),
    b.whenKey('s', b.repeat(10, b.broadcast(b.message('beat'))), b.broadcast(b.message('end'))),
    b.whenReceived('beat', b.append('heard', 'beat')),
    b.whenReceived('end', b.append('heard', 'end')),
  ]);

/**
 * Without any extension: key S counts the cloud variable of its side up, `count` times, and how the other side's
 * changes is noted.
 */
export const cloudGame = ({ sends, hears, count = 5, pause = 0.1 }) => {
  const isOld = b.block('operator_equals', { OPERAND1: b.variable(`☁ ${hears}`), OPERAND2: b.variable('last') });
  const changed = b.block('control_wait_until', { CONDITION: b.block('operator_not', { OPERAND: isOld }) });
  return projectFile({
    extensions: [],
    variables: ['entered', 'last', ...[sends, hears].flatMap(side => [`☁ ${side}`, `☁ ${side} sent`])],
    lists: ['heard', 'latencies'],
    scripts: [
      b.whenFlag(
        b.set('entered', 'yes'),
        b.block('control_forever', {
          SUBSTACK: [
            changed,
            b.set('last', b.variable(`☁ ${hears}`)),
            b.append('heard', b.variable('last')),
            b.append('latencies', times(MS_PER_DAY, minus(now, b.variable(`☁ ${hears} sent`)))),
          ],
        }),
      ),
      b.whenKey(
        's',
        b.repeat(
          count,
          b.set(`☁ ${sends} sent`, now),
          b.block('data_changevariableby', { VALUE: 1 }, { VARIABLE: `☁ ${sends}` }),
          b.wait(pause),
        ),
      ),
    ],
  });
};
