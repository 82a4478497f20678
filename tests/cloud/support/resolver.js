import { textOf } from './project.js';

/** What `util.error` raises: AppSync ends the field with it. */
export class FieldError extends Error {
  constructor(message, type) {
    super(message);
    this.type = type;
  }
}

globalThis.appsyncUtil = {
  error: (message, type) => {
    throw new FieldError(message, type);
  },
};

/** The functions of a resolver, with the part of AppSync's library that they use. */
export const loadResolver = async name => {
  const code = textOf(`resolvers/${name}.js`).replace(
    "import { util } from '@aws-appsync/utils';",
    'const util = globalThis.appsyncUtil;',
  );
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
};
