/** What answers said that later operations need as variables, in this window and in others. */
const KEPT = 'mesh-variables';

export const remembered = () => JSON.parse(localStorage.getItem(KEPT) ?? '{}');

export const remember = data => {
  const known = remembered();
  const { createGroup, joinGroup, recordEventsByNode } = data ?? {};
  if (createGroup) Object.assign(known, present({ groupId: createGroup.id, domain: createGroup.domain, hostId: createGroup.hostId }));
  if (joinGroup) Object.assign(known, present({ nodeId: joinGroup.id }));
  if (recordEventsByNode) Object.assign(known, present({ since: recordEventsByNode.nextSince }));
  localStorage.setItem(KEPT, JSON.stringify(known));
};

/** Fields that were selected. */
const present = fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
