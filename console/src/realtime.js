/**
 * One subscription over AppSync's realtime protocol: connection_init, connection_ack, start, start_ack,
 * then data until complete, error or the end of the socket.
 *
 * Source: AWS AppSync developer guide, "Building a real-time WebSocket client".
 */
const PATH = '/graphql/realtime';

/** What a subscription gives, for as long as it is asked. */
export async function* subscribe(key, { query, operationName, variables }) {
  const authorization = { host: location.host, 'x-api-key': key };
  const header = btoa(JSON.stringify(authorization)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const url = new URL(PATH, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url, ['graphql-ws', `header-${header}`]);
  const messages = received(socket);
  const send = message => socket.send(JSON.stringify(message));
  try {
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error('The WebSocket was refused.'));
    });
    send({ type: 'connection_init' });
    for await (const { type, payload } of messages) {
      if (type === 'connection_ack') {
        const data = JSON.stringify({ query, operationName, variables });
        send({ id: '1', type: 'start', payload: { data, extensions: { authorization } } });
      } else if (type === 'data') {
        yield payload;
      } else if (type === 'error' || type === 'connection_error') {
        yield payload;
        return;
      } else if (type === 'complete') {
        return;
      }
    }
  } finally {
    if (socket.readyState === WebSocket.OPEN) send({ id: '1', type: 'stop' });
    socket.close();
  }
}

/** The messages of a socket; an error when it ends. */
async function* received(socket) {
  const waiting = [];
  let wake;
  let end;
  socket.onmessage = ({ data }) => {
    waiting.push(JSON.parse(data));
    wake?.();
  };
  socket.onclose = ({ reason }) => {
    end = new Error(`The WebSocket was closed${reason ? `: ${reason}` : '.'}`);
    wake?.();
  };
  for (;;) {
    while (waiting.length > 0) yield waiting.shift();
    if (end) throw end;
    await new Promise(resolve => (wake = resolve));
  }
}
