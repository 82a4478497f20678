// A program of Smalruby as the server sees it: npm `aws-appsync` 4, with Smalruby's calls in Smalruby's order.

import { nextFrame } from './globals.js';
import appsync from 'aws-appsync';
import { gql } from 'graphql-tag';
import { newId } from './classroom.js';
import { Inbox } from './inbox.js';
import * as op from './operations.js';

const ask = async (client, document, variables) => {
  const { data } = document.startsWith('query')
    ? await client.query({ query: gql(document), variables, fetchPolicy: 'network-only' })
    : await client.mutate({ mutation: gql(document), variables });
  return Object.values(data)[0];
};

export class SmalrubyProgram {
  /** Names of events of other programs, as they come. */
  events = new Inbox('an event');
  #values = new Map();
  #sequence = 0;
  #nodeId = newId();

  constructor({ endpoint, apiKey }) {
    const auth = { type: 'API_KEY', apiKey };
    this.client = new appsync.AWSAppSyncClient({ url: endpoint, region: 'local', auth, disableOffline: true });
  }

  /** Creates a group, which is called like its host. */
  async host(domain) {
    const variables = { name: this.#nodeId, hostId: this.#nodeId, domain, useWebSocket: true };
    const { id } = await ask(this.client, op.CREATE_GROUP, variables);
    await this.#listen({ groupId: id, domain });
    return { id, name: this.#nodeId };
  }

  /** Joins the group whose name begins so. */
  async join(domain, prefix) {
    const groups = await ask(this.client, op.LIST_GROUPS, { domain });
    const { id } = groups.find(({ name }) => name.startsWith(prefix));
    const place = { groupId: id, domain };
    await ask(this.client, op.JOIN_GROUP, { ...place, nodeId: this.#nodeId, useWebSocket: true });
    await this.#listen(place);
    const statuses = await ask(this.client, op.LIST_STATUSES, place);
    statuses.forEach(status => this.#take(status));
  }

  async set(key, value) {
    await this.#ask(op.REPORT_DATA, { data: [{ key, value: String(value) }] });
  }

  async fire(eventName) {
    const orderKey = `20260401090000-${String(++this.#sequence).padStart(7, '0')}`;
    await this.#ask(op.FIRE_EVENTS, { events: [{ eventName, payload: '', firedAt: new Date().toISOString(), orderKey }] });
  }

  /** The newest value of a key over all programs. */
  value(key) {
    return this.#values.get(key)?.value;
  }

  /** Ends the subscription; the library hangs up a second later. */
  close() {
    this.subscription.unsubscribe();
  }

  #ask(operation, more) {
    return ask(this.client, operation, { ...this.place, nodeId: this.#nodeId, ...more });
  }

  async #listen(place) {
    this.place = place;
    const started = nextFrame('start_ack');
    const observed = this.client.subscribe({ query: gql(op.ON_MESSAGE), variables: place });
    this.subscription = observed.subscribe({ next: ({ data }) => this.#hear(data.onMessageInGroup), error: console.error });
    await started;
  }

  #hear({ nodeStatus, batchEvent }) {
    if (nodeStatus) this.#take(nodeStatus);
    if (!batchEvent || batchEvent.firedByNodeId === this.#nodeId) return;
    for (const { name } of batchEvent.events) this.events.put({ name, score: this.value('score') });
  }

  #take({ data, timestamp }) {
    for (const { key, value } of data) {
      const known = this.#values.get(key);
      if (!known || known.timestamp < timestamp) this.#values.set(key, { value, timestamp });
    }
  }
}
