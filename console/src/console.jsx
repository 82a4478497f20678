import { createRoot } from 'react-dom/client';
import { useMemo, useState } from 'react';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import './console.css';
import { nameEditors } from './accessible.js';
import { fetcher } from './fetcher.js';
import { forgetKey, givenKey, keepKey } from './key.js';
import { lessonPlugin, readLesson } from './lesson.jsx';

const WELCOME = `# The flag has every operation, in the order of
# a lesson; the book has the documentation.
# Ctrl-Enter runs what stands here.

mutation CreateDomain {
  createDomain
}
`;

const Console = ({ lesson }) => {
  const [key, setKey] = useState(givenKey);
  const plugins = useMemo(() => [lessonPlugin(lesson, key)], [lesson, key]);
  if (!key) return <AskForKey onKey={given => setKey(keepKey(given))} />;
  return (
    <GraphiQL
      fetcher={fetcher(key)}
      plugins={plugins}
      defaultQuery={WELCOME}
      isHeadersEditorEnabled={false}
      defaultEditorToolsVisibility="variables"
      maxHistoryLength={50}
    >
      <GraphiQL.Logo>
        <h1 className="mesh-logo">Mesh</h1>
        <button type="button" className="mesh-key" onClick={() => setKey(forgetKey())}>
          Another key
        </button>
      </GraphiQL.Logo>
    </GraphiQL>
  );
};

const AskForKey = ({ onKey }) => {
  const submit = event => {
    event.preventDefault();
    onKey(new FormData(event.target).get('key').trim());
  };
  return (
    <div className="mesh-ask">
      <h1>Mesh console</h1>
      <form onSubmit={submit}>
        <label htmlFor="key">API key</label>
        <input id="key" name="key" type="password" required autoComplete="off" autoFocus />
        <p>
          The server printed it when it started, and keeps it in the file <code>api-key</code> of its data folder.
        </p>
        <button type="submit">Open</button>
      </form>
    </div>
  );
};

const lesson = readLesson(await (await fetch('/console/queries.graphql')).text());
const root = document.getElementById('console');
nameEditors(root);
createRoot(root).render(<Console lesson={lesson} />);
