// How the invocation of a function fails, as resolvers find it in their context. Sources: Lambda developer guide,
// "Invoke", errors; aws-appsync-community, issues 209 and 386.

const of = (type, message, unhandledErrorType = null) => ({ error: { type, message, unhandledErrorType }, result: null });

export const FAILURES = {
  'a crash': of('Lambda:Unhandled', 'Error: Runtime exited with error: exit status 1', 'Runtime.ExitError'),
  'a fault that the function returned': of('Lambda:Unhandled', 'this function serves ["createGroup"]', 'String'),
  'a function out of memory': of('Lambda:Unhandled', 'Error: Runtime exited with error: signal: killed', 'Runtime.OutOfMemory'),
  'a function that takes too long': of('Lambda:Unhandled', 'Task timed out after 10.00 seconds', 'Sandbox.Timedout'),
  'an invocation that takes too long': of('Lambda:ExecutionTimeoutException', 'Execution timed out.'),
  'a throttled function': of('Lambda:TooManyRequestsException', 'Rate Exceeded.'),
  'a function that was deleted': of('Lambda:ResourceNotFoundException', 'Function not found: arn:aws:lambda:...'),
  'a missing permission': of('Lambda:AccessDeniedException', 'User: ... is not authorized to perform: lambda:InvokeFunction'),
  'a failure of Lambda': of('Lambda:ServiceException', 'An error occurred'),
  'an error without words': { error: {}, result: null },
  'no answer at all': { result: null },
};

/** What clients get of them all. */
export const FAILED = { type: 'InternalFailure', message: 'The request failed, and a change may not be saved: try again' };
