/** Makes elements. */
import { say } from './speech.js';

const SVG = 'http://www.w3.org/2000/svg';

/** An element with these properties and children, nodes or text. */
export const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

/** An element of a drawing, with these attributes. */
export const draw = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

/** An element that says a phrase. */
export const spoken = (tag, word, properties = {}) => {
  const element = make(tag, properties);
  say(element, word);
  return element;
};
