/**
 * Names as people in the room say them. Smalruby calls groups and nodes by 32 hex digits and shows the first
 * six of them as hiragana, by which its groups are searched, too.
 */
const HIRAGANA = [...'いしかたうんてとのつはこになくき'];

export const shortName = name =>
  /^[0-9a-f]{32}$/.test(name) ? [...name.slice(0, 6)].map(digit => HIRAGANA[parseInt(digit, 16)]).join('') : name;
