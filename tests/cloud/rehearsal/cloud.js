// The template, built and deployed as a user does it, onto an emulator of AWS on this machine.

import { AppSyncClient, EvaluateCodeCommand, ListResolversCommand, StartSchemaCreationCommand, UpdateResolverCommand } from '@aws-sdk/client-appsync';
import { CloudFormationClient, DescribeStackResourceCommand, DescribeStacksCommand, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { arch } from 'node:os';
import { join } from 'node:path';
import { pathOf, textOf } from '../support/project.js';
import { freePort, run, start } from './processes.js';

const TOOLS = process.env.REHEARSAL_TOOLS ?? pathOf('target/rehearsal');
const ARCHITECTURE = arch() === 'arm64' ? 'arm64' : 'x86_64';
const STACK = 'mesh-stg';
const REGION = 'ap-northeast-1';
const ACCOUNT = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_DEFAULT_REGION: REGION, AWS_REGION: REGION };
// cargo-lambda and the zig that it links with are found beside sam.
const PATH = `${join(TOOLS, 'sam', 'bin')}:${process.env.PATH}`;
const BUILD = join(TOOLS, 'build');

/**
 * Functions are optimised as they are deployed. Optimising each one once more as a whole (LTO) takes 50 s of a processor
 * for each of them and changes no answer, so it is done where AS_DEPLOYED asks for it.
 */
const PROFILE = {
  CARGO_TARGET_DIR: join(TOOLS, 'target'),
  ...(!process.env.AS_DEPLOYED && { CARGO_PROFILE_RELEASE_LTO: 'off', CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16' }),
};

const sam = (args, env) =>
  run('sam', args, { cwd: pathOf('.'), env: { ...ACCOUNT, ...env, PATH, SAM_CLI_TELEMETRY: '0' } });

const overridesOf = parameters => Object.entries(parameters).map(([name, value]) => `${name}=${value}`);

/** The parameters of samconfig.toml's staging, for this machine's architecture, with all that the emulator has. */
export const PARAMETERS = {
  Stage: 'stg',
  Architecture: ARCHITECTURE,
  Rehearsal: 'true',
  MaxConnectionTimeSeconds: 300,
  ApiLogLevel: 'INFO',
};

/** A date for an API key, that many days ahead. */
export const daysAhead = days => Math.floor(Date.now() / 3_600_000 + days * 24) * 3600;

export const validate = environment => sam(['validate', '--lint', ...(environment ? ['--config-env', environment] : [])]);

export const build = () =>
  sam(['build', '--build-dir', BUILD, '--parameter-overrides', ...overridesOf(PARAMETERS)], PROFILE);

/** Stands in front of the emulator and names the caller and the first proxy, as CloudFront and AppSync do. */
const startFront = async port => {
  const server = createServer((incoming, outgoing) => {
    const own = incoming.headers['x-forwarded-for'];
    const forwarded = [...(own ? [own] : []), '203.0.113.7', '130.176.0.1'].join(', ');
    const headers = { ...incoming.headers, 'x-forwarded-for': forwarded };
    const { method, url: path } = incoming;
    const asked = request({ host: '127.0.0.1', port, method, path, headers }, answer => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    asked.on('error', () => outgoing.destroy());
    incoming.pipe(asked);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

/** Starts the emulator, which enforces the roles' policies and verifies signatures. */
export const startCloud = async () => {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const front = await startFront(port);
  const emulator = await start(join(TOOLS, 'ministack', 'bin', 'ministack'), [], {
    cwd: TOOLS,
    env: { ...ACCOUNT, AUTH: 'true', AWS_ENDPOINT_URL: endpoint, BIND_HOST: '127.0.0.1', GATEWAY_PORT: `${port}`, MINISTACK_REGION: REGION },
    isReady: said => said.includes('Running on'),
  });
  const credentials = { accessKeyId: ACCOUNT.AWS_ACCESS_KEY_ID, secretAccessKey: ACCOUNT.AWS_SECRET_ACCESS_KEY };
  const settings = { credentials, endpoint, forcePathStyle: true, region: REGION };
  const appsync = new AppSyncClient(settings);
  const formation = new CloudFormationClient(settings);
  const s3 = new S3Client(settings);

  /** `sam deploy`; gives the outputs. */
  const deploy = async parameters => {
    const overrides = overridesOf({ ...PARAMETERS, ...parameters });
    await sam(['deploy', '--config-file', pathOf('samconfig.toml'), '--template-file', join(BUILD, 'template.yaml'), '--parameter-overrides', ...overrides], {
      AWS_ENDPOINT_URL: endpoint,
    });
    const { Stacks } = await formation.send(new DescribeStacksCommand({ StackName: STACK }));
    return Object.fromEntries(Stacks[0].Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
  };

  /** What the deploy has uploaded to that address. */
  const uploaded = async address => {
    const [, Bucket, Key] = address.match(/^s3:\/\/([^/]+)\/(.+)$/);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return Body.transformToString();
  };

  /** Puts schema and resolvers in place: the emulator leaves out what a template names by its address in S3. */
  const putInPlace = async apiId => {
    const { TemplateBody } = await formation.send(new GetTemplateCommand({ StackName: STACK, TemplateStage: 'Processed' }));
    const resources = Object.values(JSON.parse(TemplateBody).Resources);
    const of = type => resources.filter(({ Type }) => Type === type).map(({ Properties }) => Properties);
    const [schema] = of('AWS::AppSync::GraphQLSchema');
    const definition = new TextEncoder().encode(await uploaded(schema.DefinitionS3Location));
    await appsync.send(new StartSchemaCreationCommand({ apiId, definition }));
    const declared = of('AWS::AppSync::Resolver');
    for (const typeName of ['Query', 'Mutation']) {
      const { resolvers } = await appsync.send(new ListResolversCommand({ apiId, typeName }));
      for (const { dataSourceName, fieldName, runtime } of resolvers) {
        const { CodeS3Location } = declared.find(({ FieldName }) => FieldName === fieldName);
        const code = await uploaded(CodeS3Location);
        await appsync.send(new UpdateResolverCommand({ apiId, code, dataSourceName, fieldName, runtime, typeName }));
      }
    }
  };

  /** A command of the project or of AWS's own, which finds `aws` and the emulator. */
  const shell = (command, args) =>
    run(command, args, {
      env: { ...ACCOUNT, AWS_ENDPOINT_URL: endpoint, PATH: `${join(TOOLS, 'aws', 'bin')}:${process.env.PATH}` },
    });

  /** Changes a function behind the stack's back. */
  const reconfigure = async (logicalId, args) => {
    const { StackResourceDetail } = await formation.send(
      new DescribeStackResourceCommand({ StackName: STACK, LogicalResourceId: logicalId }),
    );
    const name = StackResourceDetail.PhysicalResourceId;
    await shell('aws', ['lambda', 'update-function-configuration', '--function-name', name, ...args]);
  };

  /** What a resolver's `response` raises or answers to a context, run by the API's own runtime. */
  const respond = async (resolver, context) => {
    const code = textOf(`resolvers/${resolver}.js`);
    const runtime = { name: 'APPSYNC_JS', runtimeVersion: '1.0.0' };
    const asked = { code, context: JSON.stringify(context), function: 'response', runtime };
    return appsync.send(new EvaluateCodeCommand(asked));
  };

  return {
    deploy,
    putInPlace,
    reconfigure,
    respond,
    /** Ends all API keys, as an operator does. */
    endKeys: () => shell(pathOf('scripts/end-keys'), [STACK]),
    /** The deployed API, which the emulator serves under this address. */
    endpointOf: apiId => `http://127.0.0.1:${front.address().port}/v1/apis/${apiId}/graphql`,
    delete: () => sam(['delete', '--stack-name', STACK, '--region', REGION, '--no-prompts'], { AWS_ENDPOINT_URL: endpoint }),
    stop: () => {
      front.close();
      front.closeAllConnections();
      return emulator.stop();
    },
  };
};
