// The resolver of publishEventsByNode, which has no data source: what the mutation was given is what
// subscribers get.

export function request() {
  return { payload: null };
}

export function response(ctx) {
  const { groupId, domain, nodeId, events, timestamp } = ctx.args;
  const sender = { firedByNodeId: nodeId, groupId, domain };
  return {
    groupId,
    domain,
    batchEvent: { ...sender, timestamp, events: events.map((event) => ({ groupId, domain, ...event })) },
  };
}
