/** How pupils come in: the address, the code of six letters, and both as a QR code. */
import { draw } from './make.js';
import { plain, say } from './speech.js';

const at = id => document.getElementById(id);

/** The newest that the server said. */
let entrance;

/** Takes what the server says: `{address, code, invitation, turbowarp}`. */
export const letIn = given => {
  entrance = given;
  at('entrance-address').textContent = shortAddress(given.address);
  at('entrance-code').textContent = spaced(given.code);
  at('join').hidden = false;
  at('editors').hidden = false;
  at('extension').textContent = `${given.address}/extension/mesh.js`;
  at('turbowarp').href = given.turbowarp.url;
  at('turbowarp-qr').replaceChildren(...codeOf(given.turbowarp, 'TurboWarp'));
};

/** Shows the entrance to all groups, or to one. */
export const showLobby = group => {
  if (group) say(at('lobby-title'), 'inviteTo', { name: group.label });
  else say(at('lobby-title'), 'join');
  const invitation = group?.about.invitation ?? entrance?.invitation;
  at('lobby-address').textContent = shortAddress(entrance?.address ?? location.origin);
  at('lobby-code').textContent = spaced(entrance?.code ?? '');
  at('lobby-qr').replaceChildren(...(invitation ? codeOf(invitation, plain('qr')) : []));
  at('lobby-qr').title = invitation?.url ?? '';
};

/** Whether there is something to show in the line on top. */
export const isOpen = () => entrance !== undefined;

/** Browsers add http:// themselves; https:// has to be typed. */
const shortAddress = address => address.replace(/^http:\/\//, '');

/** Two groups of three are kept in mind more easily. */
const spaced = code => `${code.slice(0, 3)} ${code.slice(3)}`.trim().toUpperCase();

/** The QR code of an address; none if it is too long for one. */
const codeOf = ({ size, path }, label) => {
  if (size === 0) return [];
  // Readers want four empty modules around it.
  const shape = { viewBox: `-4 -4 ${size + 8} ${size + 8}`, role: 'img', 'shape-rendering': 'crispEdges' };
  return [draw('svg', { ...shape, 'aria-label': label }, draw('path', { d: path }))];
};
