// Small functions that make elements of the page.
/** An element with these properties (`data-` and `aria-` ones are attributes) and children, nodes or text. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (/^(data|aria)-|^(for|role)$/.test(key)) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** A field with its label above it. */
export const labelled = (text, input) => element("label", {}, element("span", {}, text), input);

/** A form that does something with its fields instead of leaving the page. */
export function form(onSubmit, ...children) {
  return element("form", { onsubmit: (event) => (event.preventDefault(), onSubmit(event.target)) }, ...children);
}

/** A button; in a form it submits, unless it says what it does. */
export const button = (text, onclick, properties = {}) =>
  element("button", { type: onclick ? "button" : "submit", onclick: onclick ?? null, ...properties }, text);
