import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../', import.meta.url);

/** The path of a file of the project. */
export const pathOf = name => fileURLToPath(new URL(name, root));

/** The text of a file of the project. */
export const textOf = name => readFileSync(new URL(name, root), 'utf8');

/** The names of what is in a folder of the project. */
export const namesIn = folder => readdirSync(new URL(folder, root)).sort();

/** The name of a crate, binary and event, of a field's or a function's name. */
export const kebab = name => name.replace(/(?<!^)(?=[A-Z])/g, '-').toLowerCase();

/** The name of a function, of its field's name. */
export const pascal = field => field[0].toUpperCase() + field.slice(1);
