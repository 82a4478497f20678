import { useEffect, useState } from 'react';
import { useEditorContext, useExecutionContext } from '@graphiql/react';
import { parse, print, valueFromASTUntyped } from 'graphql';
import { remembered } from './answers.js';

/** The server calls it itself, in the cloud; whoever has an API key is refused. */
const INTERNAL = 'PublishEventsByNode';

/** The operations of docs/queries.graphql, in their order, each with the comment before it. */
export const readLesson = text => {
  const operations = parse(text).definitions.filter(({ name }) => name.value !== INTERNAL);
  return operations.map(operation => ({
    name: operation.name.value,
    kind: operation.operation,
    comment: commentBefore(operation),
    query: print({ ...operation, variableDefinitions: operation.variableDefinitions.map(withoutDefault) }),
    defaults: Object.fromEntries(operation.variableDefinitions.map(defaultOf)),
  }));
};

/** The defaults stand in the variables instead, where they are changed. */
const withoutDefault = definition => ({ ...definition, defaultValue: undefined });

const defaultOf = ({ variable, defaultValue }) => [
  variable.name.value,
  defaultValue ? valueFromASTUntyped(defaultValue) : '',
];

const commentBefore = ({ loc }) => {
  const lines = [];
  for (let token = loc.startToken.prev; token?.kind === 'Comment'; token = token.prev) {
    // An empty line ends the comment that belongs to the operation.
    if (token.next.line - token.line > 1) break;
    lines.unshift(token.value.trim());
  }
  return lines.join(' ');
};

/** Variables as an operation would have them now. */
const variablesOf = ({ defaults }) => {
  const known = remembered();
  const current = Object.entries(defaults).map(([name, value]) => [name, known[name] ?? value]);
  const variables = Object.fromEntries(current);
  const firedAt = new Date().toISOString();
  if (variables.events) variables.events = variables.events.map(event => ({ ...event, firedAt }));
  return variables;
};

/** The panel that lists a lesson's operations and opens each in a tab. */
export const lessonPlugin = (lesson, apiKey) => ({
  title: 'Lesson',
  icon: Flag,
  content: () => <Lesson lesson={lesson} apiKey={apiKey} />,
});

const Lesson = ({ lesson, apiKey }) => {
  const { addTab, queryEditor, variableEditor, updateActiveTabValues, tabs, changeTab } = useEditorContext();
  const { stop } = useExecutionContext();
  const [opening, setOpening] = useState(null);
  const open = operation => {
    // As GraphiQL does at a change of tabs: one operation runs at a time.
    stop();
    const place = tabs.findIndex(({ operationName }) => operationName === operation.name);
    if (place >= 0) changeTab(place);
    else addTab();
    setOpening(operation);
  };
  // Changing the tab fills the editors, so what is to stand there comes after it.
  useEffect(() => {
    if (!opening) return;
    setOpening(null);
    const query = `${opening.comment && `# ${opening.comment}\n`}${opening.query}\n`;
    const variables = JSON.stringify(variablesOf(opening), null, 2);
    queryEditor?.setValue(query);
    variableEditor?.setValue(variables);
    updateActiveTabValues({ query, variables, operationName: opening.name });
  }, [opening]);
  return (
    <section aria-label="Lesson" className="mesh-lesson">
      <div className="graphiql-doc-explorer-title">Lesson</div>
      <p>
        Every operation, in the order of a lesson. What one answers is filled into the next. A subscription runs while
        its tab is shown:{' '}
        <a href={`./#key=${encodeURIComponent(apiKey)}`} target="_blank">
          a second window
        </a>{' '}
        does what it is to hear. All types are in{' '}
        <a href="/schema.graphql" target="_blank">
          schema.graphql
        </a>
        .
      </p>
      <ol>
        {lesson.map(operation => (
          <li key={operation.name}>
            <button type="button" onClick={() => open(operation)} title={operation.comment}>
              <span>{operation.name}</span> <span className={`mesh-kind mesh-${operation.kind}`}>{operation.kind}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
};

function Flag() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M5 21V4m0 0h13l-3 4.5 3 4.5H5" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
