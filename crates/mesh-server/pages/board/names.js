/**
 * Names as people in the room say them. Nodes and groups that were given no name are called by their ids, of
 * which Smalruby shows the first six digits as hiragana; its groups are searched by them, too.
 */
const HIRAGANA = [...'いしかたうんてとのつはこになくき'];

/** The name of a group, or of a node that has an id alone. */
export const shortName = name =>
  /^[0-9a-f]{32}$/.test(name) ? [...name.slice(0, 6)].map(digit => HIRAGANA[parseInt(digit, 16)]).join('') : name;

/** The name of a node: its own, or short for its id. The server calls a node without one "Node" and its id. */
export const nodeName = (id, name) => (name && name !== `Node ${id}` ? name : shortName(id));
