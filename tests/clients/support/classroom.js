import { randomUUID } from 'node:crypto';
import * as op from './operations.js';

/** 32 hex digits, as Smalruby names its nodes and groups. */
export const newId = () => randomUUID().replaceAll('-', '');

/** A host, its group and what they do, spoken through one of the client libraries. */
export const newClassroom = async ({ call, subscribe }, options = {}) => {
  const hostId = newId();
  const domain = hostId.slice(0, 8);
  const asked = { name: hostId, hostId, domain, useWebSocket: true, ...options };
  const group = await call(op.CREATE_GROUP, asked);
  const place = { groupId: group.id, domain };
  return {
    asked,
    group,
    place,
    hostId,
    ask: (operation, more) => call(operation, { ...place, ...more }),
    listen: () => subscribe(op.ON_MESSAGE, place),
    async join(useWebSocket) {
      const nodeId = newId();
      await call(op.JOIN_GROUP, { ...place, nodeId, useWebSocket });
      return nodeId;
    },
  };
};

/** `count` events, each a millisecond after the one before. */
export const newEvents = (count, name = 'tick') => {
  const began = Date.now();
  return Array.from({ length: count }, (_, index) => ({
    eventName: `${name} ${index}`,
    payload: String(index),
    firedAt: new Date(began + index).toISOString(),
    orderKey: `20260401090000-${String(index).padStart(7, '0')}`,
  }));
};

/** Sent or received events, reduced to what a receiver must get unchanged. */
export const essence = events =>
  events.map(({ eventName, name, payload, firedAt, timestamp, orderKey }) => [
    eventName ?? name,
    payload,
    firedAt ?? timestamp,
    orderKey,
  ]);
