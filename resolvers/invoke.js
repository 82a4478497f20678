// The resolver of every field that a function serves: hands over what the function reads, and turns
// the error that it returned into a GraphQL error with a type of ours.

import { util } from '@aws-appsync/utils';

/** Named one by one: AppSync leaves the selection set out of a context that is handed over whole. */
export function request(ctx) {
  const { fieldName, parentTypeName, selectionSetList } = ctx.info;
  const payload = {
    field: fieldName,
    arguments: ctx.args,
    info: { fieldName, parentTypeName, selectionSetList },
  };
  // Headers have the API key and the caller's address, so they are given where they are read.
  if (fieldName === 'createDomain') {
    payload.request = { headers: { 'x-forwarded-for': ctx.request.headers['x-forwarded-for'] } };
  }
  return { operation: 'Invoke', payload };
}

export function response(ctx) {
  const { error, result } = ctx;
  // The function was throttled, ended or took too long. AppSync's own words for that, Lambda:..., are
  // known to no client; and whether the function has saved something is not known here.
  if (error || !result) {
    util.error('The request failed, and a change may not be saved: try again', 'InternalFailure');
  }
  if (result.error) {
    util.error(result.error.message, result.error.type);
  }
  return result.data;
}
