import { getOperationAST, parse } from 'graphql';
import { remember } from './answers.js';
import { subscribe } from './realtime.js';

const ENDPOINT = '/graphql';

/** How GraphiQL asks: queries and mutations by POST, subscriptions by AppSync's realtime protocol. */
export const fetcher = key => ({ query, operationName, variables }) => {
  const document = parse(query);
  const operations = document.definitions.filter(({ kind }) => kind === 'OperationDefinition');
  // A moment after a change, GraphiQL still names the operation that stood there before.
  const asked = operations.length === 1 ? operations[0] : getOperationAST(document, operationName);
  const request = { query, operationName: asked?.name?.value, variables };
  return asked?.operation === 'subscription' ? subscribe(key, request) : post(key, request);
};

const post = async (key, request) => {
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const response = await fetch(ENDPOINT, { method: 'POST', headers, body: JSON.stringify(request) });
  const answer = await response.json();
  remember(answer.data);
  return answer;
};
