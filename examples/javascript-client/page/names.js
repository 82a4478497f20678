/** Names of nodes that were given none, as Smalruby and the teacher's board show them. */
const HIRAGANA = [..."いしかたうんてとのつはこになくき"];

/** Short for an id: the first six of 32 hex digits as hiragana, or an id of another kind as it is. */
export const shortName = (id) =>
  /^[0-9a-f]{32}$/.test(id) ? [...id.slice(0, 6)].map((digit) => HIRAGANA[parseInt(digit, 16)]).join("") : id;
