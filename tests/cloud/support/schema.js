import { parse } from 'graphql';
import { textOf } from './project.js';

/** The field that AppSync answers by itself, for functions alone. */
export const PUBLISH = 'publishEventsByNode';

const roots = ['Query', 'Mutation'];
const types = parse(textOf('schema.graphql')).definitions.filter(({ name }) => roots.includes(name?.value));

/** The fields of queries and mutations, each with its type. */
export const fields = types.flatMap(type =>
  type.fields.map(field => ({ type: type.name.value, field: field.name.value })),
);
