import { parse } from 'yaml';
import { textOf } from './project.js';

// `!Sub x` is `{ Fn::Sub: x }`; `!GetAtt a.b` is `{ Fn::GetAtt: [a, b] }`.
const name = tag => (['Ref', 'Condition'].includes(tag) ? tag : `Fn::${tag}`);
const value = (tag, given) => (tag === 'GetAtt' && typeof given === 'string' ? given.split('.') : given);
const customTags = ['Ref', 'Condition', 'Sub', 'GetAtt', 'If', 'Equals', 'Not', 'And', 'Or', 'Contains', 'FindInMap'].flatMap(
  tag => [
    { tag: `!${tag}`, resolve: text => ({ [name(tag)]: value(tag, text) }) },
    { tag: `!${tag}`, collection: 'seq', resolve: seq => ({ [name(tag)]: seq.toJSON() }) },
  ],
);

const source = parse(textOf('template.yaml'), { customTags });

/** A loop's body for one `word` of its list: `!Ref identifier` and `${identifier}` are the word. */
const bodyFor = (body, identifier, word) => {
  const fill = node => {
    if (typeof node === 'string') {
      return node.replaceAll(`\${${identifier}}`, word);
    }
    if (Array.isArray(node)) {
      return node.map(fill);
    }
    if (node === null || typeof node !== 'object') {
      return node;
    }
    if (node.Ref === identifier) {
      return word;
    }
    const filled = Object.fromEntries(Object.entries(node).map(([key, one]) => [fill(key), fill(one)]));
    if ('Fn::FindInMap' in filled) {
      const [map, key, field] = filled['Fn::FindInMap'];
      return source.Mappings[map][key]?.[field] ?? filled;
    }
    const text = filled['Fn::Sub'];
    return typeof text === 'string' && !text.includes('${') ? text : filled;
  };
  return fill(body);
};

/** Resources, with those of loops one by one. */
const unrolled = Object.entries(source.Resources).flatMap(([key, resource]) => {
  if (!key.startsWith('Fn::ForEach::')) {
    return [[key, resource]];
  }
  const [identifier, words, body] = resource;
  return words.flatMap(word => Object.entries(bodyFor(body, identifier, word)));
});

/** The template, with its functions and loops written in full. */
export const template = { ...source, Resources: Object.fromEntries(unrolled) };

/** The resources of a type, by their names. */
export const resourcesOf = type =>
  Object.fromEntries(Object.entries(template.Resources).filter(([, resource]) => resource.Type === type));
