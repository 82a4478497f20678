// The resolver of every field that a function serves: hands over what the function reads, and turns
// the error that it returned into a GraphQL error with a type of ours.

import { util } from '@aws-appsync/utils';

/** Named one by one: AppSync leaves the selection set out of a context that is handed over whole. */
export function request(ctx) {
  const { fieldName, parentTypeName, selectionSetList } = ctx.info;
  return {
    operation: 'Invoke',
    payload: {
      field: fieldName,
      arguments: ctx.args,
      identity: ctx.identity,
      request: { headers: ctx.request.headers },
      info: { fieldName, parentTypeName, selectionSetList },
    },
  };
}

export function response(ctx) {
  const { error, result } = ctx;
  if (error) {
    util.error(error.message, error.type);
  }
  if (!result) {
    util.error('The change was not saved, try again', 'InternalFailure');
  }
  if (result.error) {
    util.error(result.error.message, result.error.type);
  }
  return result.data;
}
