// The network part of Smalruby's page, as its build has it: npm `aws-appsync` 4 with the endpoint `/graphql`.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const contents = `
  import { AWSAppSyncClient } from 'aws-appsync';
  import { gql } from 'graphql-tag';

  const client = new AWSAppSyncClient({
    url: '/graphql',
    region: 'local',
    auth: { type: 'API_KEY', apiKey: new URLSearchParams(location.hash.slice(1)).get('key') },
    disableOffline: true,
  });
  const call = (document, variables) => client.mutate({ mutation: gql(document), variables }).then(({ data }) => data);

  /** Hosts a group, and hears of the values that it reports itself. */
  const play = async () => {
    const group = { hostId: 'host', domain: 'here' };
    const { createGroup: { id } } = await call(
      'mutation ($hostId: ID!, $domain: String!) { createGroup(name: "host", hostId: $hostId, domain: $domain) { id } }',
      group,
    );
    const place = { groupId: id, domain: group.domain };
    const ON_MESSAGE = \`subscription ($groupId: ID!, $domain: String!) {
      onMessageInGroup(groupId: $groupId, domain: $domain) { groupId domain nodeStatus { data { key value } } }
    }\`;
    client.subscribe({ query: gql(ON_MESSAGE), variables: place }).subscribe({
      next: ({ data }) => (document.title = JSON.stringify(data.onMessageInGroup.nodeStatus.data)),
      error: error => (document.title = 'error: ' + error.message),
    });
    const REPORT = \`mutation ($groupId: ID!, $domain: String!, $value: String!) {
      reportDataByNode(groupId: $groupId, domain: $domain, nodeId: "host", data: [{ key: "score", value: $value }]) {
        groupId domain nodeStatus { data { key value } }
      }
    }\`;
    // The subscription says nowhere that it stands.
    for (let turn = 0; document.title === ''; turn++) {
      await call(REPORT, { ...place, value: String(turn) });
      await new Promise(done => setTimeout(done, 100));
    }
  };
  play().catch(error => (document.title = 'error: ' + error.message));
`;

/** The library brings AWS's SDK along for uploads, of which there are none. */
const withoutUploads = {
  name: 'without-uploads',
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^@(aws-sdk|smithy)\// }, ({ path }) => ({ path, namespace: 'none' }));
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: '' }));
  },
};

/** The script of the page. */
export const smalrubyScript = async () => {
  // Beside the tests that have the library.
  const resolveDir = fileURLToPath(new URL('../../clients/', import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents, resolveDir },
    bundle: true,
    write: false,
    format: 'iife',
    define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
    plugins: [withoutUploads],
    logLevel: 'error',
  });
  return outputFiles[0].text;
};
