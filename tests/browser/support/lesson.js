/** A lesson as its programs would hold it: one group, by requests alone. */
const MESSAGE = '{ groupId domain nodeStatus { nodeId groupId domain data { key value } timestamp } ' +
  'batchEvent { events { name firedByNodeId payload timestamp } firedByNodeId timestamp } }';

export class Lesson {
  static async begin({ endpoint, apiKey }, name, host) {
    const lesson = new Lesson();
    lesson.ask = async (query, variables) => {
      const headers = { 'content-type': 'application/json', 'x-api-key': apiKey };
      const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
      const { data, errors } = await response.json();
      if (errors) throw new Error(errors[0].message);
      return data;
    };
    lesson.host = host;
    const query = 'mutation ($name: String!, $host: ID!) { createGroup(name: $name, hostId: $host, domain: "room") { id } }';
    lesson.group = (await lesson.ask(query, { name, host })).createGroup.id;
    return lesson;
  }

  join(node, { useWebSocket } = {}) {
    return this.#change('joinGroup', 'nodeId: $node, useWebSocket: $ws', '{ id }', '$ws: Boolean', { node, ws: useWebSocket });
  }

  leave(node) {
    return this.#change('leaveGroup', 'nodeId: $node', '{ peerId }', '', { node });
  }

  end() {
    return this.#change('dissolveGroup', 'hostId: $node', MESSAGE, '', { node: this.host });
  }

  report(node, key, value) {
    const data = [{ key, value }];
    return this.#change('reportDataByNode', 'nodeId: $node, data: $data', MESSAGE, '$data: [SensorDataInput!]!', { node, data });
  }

  fire(node, eventName, payload) {
    const events = [{ eventName, payload, firedAt: new Date().toISOString() }];
    return this.#change('fireEventsByNode', 'nodeId: $node, events: $events', MESSAGE, '$events: [EventInput!]!', { node, events });
  }

  #change(field, args, selection, declared, variables) {
    const query = `mutation ($group: ID!, $node: ID!, ${declared}) { ${field}(groupId: $group, domain: "room", ${args}) ${selection} }`;
    return this.ask(query, { group: this.group, ...variables });
  }
}
