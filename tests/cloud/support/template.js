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

/** The template, with its functions written in full. */
export const template = parse(textOf('template.yaml'), { customTags });

/** The resources of a type, by their names. */
export const resourcesOf = type =>
  Object.fromEntries(Object.entries(template.Resources).filter(([, resource]) => resource.Type === type));
