/** What GraphiQL leaves out for people who do not see its editors: names for the fields that they type into. */

/** Each editor by the part of the page that it stands in. */
const NAMES = [
  ['.graphiql-query-editor', 'Query'],
  ['.graphiql-editor-tool', 'Variables'],
  ['.graphiql-response', 'Answer'],
];

const nameFields = () => {
  for (const field of document.querySelectorAll('.CodeMirror textarea:not([aria-label])')) {
    const [, name] = NAMES.find(([part]) => field.closest(part)) ?? [, 'Editor'];
    field.setAttribute('aria-label', name);
  }
};

/** Names the fields of `part` and those that come later. */
export const nameEditors = part => new MutationObserver(nameFields).observe(part, { childList: true, subtree: true });
