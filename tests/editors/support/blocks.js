// Scripts as a project holds them: written here as nested calls, kept there as a table of blocks by id.

/** A reporter or command: `block('operator_join', { STRING1: 'a', STRING2: 'b' })`. */
export const block = (opcode, inputs = {}, fields = {}) => ({ opcode, inputs, fields });

/** A variable or a list of the stage, to be used as an input or a field. */
export const variable = name => ({ variable: name });
/** A message, to be used as an input or a field. */
export const message = name => ({ message: name });
/** What an extension's menu was set to. */
export const choice = (menu, value) => ({ menu, value });

export const set = (name, value) => block('data_setvariableto', { VALUE: value }, { VARIABLE: name });
export const append = (list, item) => block('data_addtolist', { ITEM: item }, { LIST: list });
export const broadcast = name => block('event_broadcast', { BROADCAST_INPUT: name.message ? name : dynamic(name) });
export const wait = seconds => block('control_wait', { DURATION: seconds });
export const repeat = (times, ...commands) => block('control_repeat', { TIMES: times, SUBSTACK: commands });
export const join = (one, other) => block('operator_join', { STRING1: one, STRING2: other });

/** A name that no menu of messages has: what a reporter says. */
const dynamic = name => join(name, '');

export const whenFlag = (...commands) => [block('event_whenflagclicked'), ...commands];
export const whenKey = (key, ...commands) => [block('event_whenkeypressed', {}, { KEY_OPTION: key }), ...commands];
export const whenReceived = (name, ...commands) => [
  block('event_whenbroadcastreceived', {}, { BROADCAST_OPTION: name }),
  ...commands,
];

/** Puts scripts into a table of blocks. */
export const table = scripts => {
  const blocks = {};
  let count = 0;

  const place = ({ opcode, inputs, fields }, parent) => {
    const id = `b${count++}`;
    const placed = (blocks[id] = { opcode, next: null, parent, shadow: false, topLevel: parent === null, x: 0, y: 0 });
    placed.inputs = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, input(value, id)]));
    placed.fields = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, field(name, value)]));
    return id;
  };

  const stack = (commands, parent) => {
    const ids = commands.map((command, index) => place(command, index === 0 ? parent : `to be known`));
    ids.forEach((id, index) => {
      if (index > 0) blocks[id].parent = ids[index - 1];
      blocks[id].next = ids[index + 1] ?? null;
      blocks[id].topLevel = parent === null && index === 0;
    });
    return ids[0];
  };

  const input = (value, parent) => {
    if (Array.isArray(value)) return [2, stack(value, parent)];
    if (value.opcode) return [3, place(value, parent), [10, '']];
    if (value.variable) return [3, [12, value.variable, value.variable], [10, '']];
    if (value.message) return [1, [11, value.message, value.message]];
    if (!value.menu) return [1, [10, String(value)]];
    const id = place({ opcode: value.menu, inputs: {}, fields: { [value.menu.split('_menu_')[1]]: value.value } }, parent);
    blocks[id].shadow = true;
    return [1, id];
  };

  for (const script of scripts) stack(script, null);
  return blocks;
};

/** Fields that name something of the project hold its id, too, which is its name here. */
const field = (name, value) =>
  ['VARIABLE', 'LIST', 'BROADCAST_OPTION'].includes(name) ? [value, value] : [value, null];
