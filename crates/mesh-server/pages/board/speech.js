/**
 * Says phrases in the chosen language. `{n}` in a phrase is filled in; `[組|くみ]` is a word and how it is read.
 */
const KEPT = 'mesh-language';

/** Phrases by language and word. */
let languages = {};
let current;

/** Takes a page's phrases, chooses the language of this browser, and says everything that the page holds. */
export const begin = phrases => {
  languages = phrases;
  const kept = localStorage.getItem(KEPT);
  const own = navigator.language.startsWith('ja') ? 'ja' : 'en';
  speak(kept in languages ? kept : own);
};

export const language = () => current;

/** Changes the language of everything that was said, until another is chosen. */
export const choose = chosen => {
  localStorage.setItem(KEPT, chosen);
  speak(chosen);
};

const speak = chosen => {
  current = chosen;
  document.documentElement.lang = chosen === 'en' ? 'en' : 'ja';
  retell(document);
  document.title = plain('title');
};

/** Says again, in the language that is chosen now, what a part of the page holds that was not shown for a while. */
export const retell = part => {
  for (const element of part.querySelectorAll('[data-word]')) render(element);
};

/** Fills an element with a phrase, in whatever language is chosen, then or later. */
export const say = (element, word, values = {}) => {
  const said = JSON.stringify(values);
  if (element.dataset.word === word && element.dataset.values === said) return;
  element.dataset.word = word;
  element.dataset.values = said;
  render(element);
};

/** A phrase as text, for what can hold no furigana. */
export const plain = (word, values = {}) =>
  fill(languages[current][word].replace(/\[([^|\]]+)\|[^\]]+\]/g, '$1'), values);

const render = element => {
  const { word, values } = element.dataset;
  const filled = JSON.parse(values ?? '{}');
  const parts = languages[current][word].split(/\[([^|\]]+)\|([^\]]+)\]/);
  element.replaceChildren();
  // Every third part is a word, and the one after it how it is read.
  for (let place = 0; place < parts.length; place += 3) {
    element.append(fill(parts[place], filled));
    if (place + 1 < parts.length) element.append(ruby(parts[place + 1], parts[place + 2]));
  }
};

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');

const ruby = (word, reading) => {
  const element = document.createElement('ruby');
  const over = document.createElement('rt');
  over.textContent = reading;
  over.setAttribute('aria-hidden', 'true');
  element.append(word, over);
  return element;
};
