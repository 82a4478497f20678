// Answers without what must differ from one run to the next: ids, times and cursors.

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const DOMAIN = /^[0-9a-f]{16}$/;
const HOUR = 3_600_000;

/** The error that a client sees; where in the document it arose is the document's matter. */
const errorOf = ({ errorInfo = null, data = null, errorType, message, path }) => ({
  path,
  errorType,
  message,
  errorInfo,
  data,
});

/** Makes the function for the answers of one home: what is the same twice stays the same. */
export const newEssence = () => {
  const names = new Map();
  const named = (kind, text) => {
    if (!names.has(text)) {
      const known = [...names.values()].filter(name => name.startsWith(`<${kind} `));
      names.set(text, `<${kind} ${known.length + 1}>`);
    }
    return names.get(text);
  };
  const textOf = (text, key, within) => {
    if (TIME.test(text) && Math.abs(Date.parse(text) - Date.now()) < HOUR) {
      return key === 'expiresAt' ? named('end', text) : '<now>';
    }
    if (key === 'cursor' || key === 'nextSince') {
      return '<cursor>';
    }
    if (DOMAIN.test(text)) {
      return named('domain', text);
    }
    if (key === 'groupId' || 'fullId' in within && key === 'id') {
      return named('group', text);
    }
    // Messages and full ids have ids inside.
    return [...names].reduce((result, [known, name]) => result.replaceAll(known, name), text);
  };
  const valueOf = (value, key, within) => {
    if (Array.isArray(value)) {
      const values = value.map(one => valueOf(one, key, within));
      // In which order a status has its keys is left open.
      return key === 'data' ? values.sort((one, other) => (one.key < other.key ? -1 : 1)) : values;
    }
    if (value !== null && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, valueOf(one, name, value)]));
    }
    return typeof value === 'string' ? textOf(value, key, within) : value;
  };
  return ({ data = null, errors }) => valueOf({ data, ...(errors && { errors: errors.map(errorOf) }) });
};
