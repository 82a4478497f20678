// What the template promises: who may do what, what is watched, and which parameters are refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { textOf } from './support/project.js';
import { parametersWith, refusing } from './support/rules.js';
import { resourcesOf, template } from './support/template.js';

const { Mappings, Outputs, Parameters, Resources } = template;
const functions = resourcesOf('AWS::Serverless::Function');
const alarms = resourcesOf('AWS::CloudWatch::Alarm');
const list = one => [one].flat();

/** What a function may do, as [action, resource]. */
const permissions = name =>
  (functions[name].Properties.Policies ?? [])
    .flatMap(({ Statement }) => Statement)
    .flatMap(({ Effect, Action, Resource, ...rest }) => {
      assert.deepEqual([Effect, rest], ['Allow', {}]);
      return list(Action).map(action => [action, Resource]);
    });
const actions = name => [...new Set(permissions(name).map(([action]) => action))];

// --- Policies

test('nobody has a wildcard, and nobody scans', () => {
  const roles = Object.values(resourcesOf('AWS::IAM::Role')).flatMap(({ Properties }) => Properties.Policies ?? []);
  const policies = Object.values(resourcesOf('AWS::IAM::Policy')).map(({ Properties }) => Properties);
  const statements = [...roles, ...policies].flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  const all = [...statements, ...Object.keys(functions).flatMap(name => functions[name].Properties.Policies ?? [])];
  assert.ok(all.length > Object.keys(functions).length);
  assert.doesNotMatch(JSON.stringify(all), /\*|Scan|PartiQL|ManagedPolicy/);
});

test('functions reach the table, its indexes and one field, and nothing else', () => {
  const table = { 'Fn::GetAtt': ['Table', 'Arn'] };
  const index = /^\{"Fn::Sub":"\$\{Table\.Arn\}\/index\/by(Node|Name)"\}$/;
  for (const [action, resource] of Object.keys(functions).flatMap(permissions)) {
    if (action === 'appsync:GraphQL') {
      assert.deepEqual(resource, { 'Fn::Sub': '${Api.Arn}/types/Mutation/fields/publishEventsByNode' });
    } else if (JSON.stringify(resource).includes('index')) {
      assert.match(JSON.stringify(resource), index);
      assert.equal(action, 'dynamodb:Query');
    } else {
      assert.deepEqual(resource, table);
      assert.match(action, /^dynamodb:/);
    }
  }
});

const READS = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const READERS = ['GetNodeStatus', 'ListGroupStatuses', 'ListGroupsByDomain', 'ListNodesInGroup', 'SearchGroupsByNamePrefix'];
const POLLS = ['GetEventsSince', 'PollGroupData'];

test('readers cannot write, and polls can only update', () => {
  const beyond = (operation, allowed) => actions(`${operation}Function`).filter(action => !allowed.includes(action));
  for (const reader of READERS) {
    assert.deepEqual(beyond(reader, READS), [], reader);
  }
  for (const poll of POLLS) {
    assert.deepEqual(beyond(poll, READS), ['dynamodb:UpdateItem'], poll);
  }
  assert.deepEqual(actions('CreateDomainFunction'), []);
});

test('only what ends groups deletes in batches, and only what records publishes', () => {
  const who = action => Object.keys(functions).filter(name => actions(name).includes(action));
  assert.deepEqual(who('dynamodb:BatchWriteItem'), ['DissolveGroupFunction', 'LeaveGroupFunction']);
  assert.deepEqual(who('appsync:GraphQL'), ['RecordEventsByNodeFunction']);
});

test("roles are AppSync's, and that of data sources this account's alone", () => {
  const inThisAccount = { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } };
  for (const [name, { Properties }] of Object.entries(resourcesOf('AWS::IAM::Role'))) {
    const [{ Principal, Condition }] = Properties.AssumeRolePolicyDocument.Statement;
    assert.equal(Principal.Service, 'appsync.amazonaws.com');
    // Documented for data sources: AppSync developer guide, "Attaching a data source".
    assert.deepEqual(Condition, name === 'DataSourceRole' ? inThisAccount : undefined, name);
  }
});

// --- Stages

test('production keeps its table and tells less', () => {
  const { prod, stg } = Mappings.Stages;
  assert.deepEqual([prod.TableDeletion, prod.TableProtection, stg.TableDeletion, stg.TableProtection], ['Retain', 'true', 'Delete', 'false']);
  assert.deepEqual([prod.Introspection, stg.Introspection], ['DISABLED', 'ENABLED']);
  const byStage = key => ({ 'Fn::FindInMap': ['Stages', { Ref: 'Stage' }, key] });
  const { Table, Api, ApiLogs, FunctionLogs } = Resources;
  assert.deepEqual([Table.DeletionPolicy, Table.UpdateReplacePolicy], [byStage('TableDeletion'), byStage('TableDeletion')]);
  assert.deepEqual(Table.Properties.DeletionProtectionEnabled, byStage('TableProtection'));
  assert.deepEqual(Api.Properties.IntrospectionConfig, byStage('Introspection'));
  assert.deepEqual([ApiLogs, FunctionLogs].map(({ Properties }) => Properties.RetentionInDays), [byStage('LogDays'), byStage('LogDays')]);
});

test("AppSync's log is a choice, and neither keys nor addresses are in it", () => {
  const [condition, log, none] = Resources.Api.Properties.LogConfig['Fn::If'];
  assert.deepEqual([condition, none], ['HasApiLog', { Ref: 'AWS::NoValue' }]);
  assert.equal(log.ExcludeVerboseContent, true);
  assert.deepEqual(log.FieldLogLevel, { Ref: 'ApiLogLevel' });
  const conditional = Object.keys(Resources).filter(name => Resources[name].Condition === 'HasApiLog');
  assert.deepEqual(conditional, ['ApiLogRole', 'ApiLogPolicy', 'ApiLogs']);
  const levels = Object.values(parse(textOf('samconfig.toml'))).filter(part => part.global).map(({ global }) =>
    global.parameters.parameter_overrides.filter(one => one.startsWith('ApiLogLevel')));
  assert.deepEqual(levels, [['ApiLogLevel=INFO'], ['ApiLogLevel=NONE']]);
});

test('nothing has a fixed name, so that stages live side by side', () => {
  const { Table, DomainSecret, FunctionLogs, AlarmTopic } = Resources;
  for (const { Properties } of [Table, DomainSecret, FunctionLogs, AlarmTopic, ...Object.values(functions)]) {
    assert.deepEqual(Object.keys(Properties).filter(name => /^(Table|Function|Topic|LogGroup)?Name$/.test(name)), []);
  }
});

test('samconfig.toml has all that sam build and sam deploy need; without --config-env it is staging', () => {
  const config = parse(textOf('samconfig.toml'));
  for (const [environment, stage] of [['default', 'stg'], ['prod', 'prod']]) {
    // Global, so that functions are built for the architecture they are deployed for, and loops are seen by all.
    const { language_extensions, parameter_overrides: overrides, stack_name } = config[environment].global.parameters;
    assert.deepEqual([language_extensions, stack_name], [true, `mesh-${stage}`]);
    const given = Object.fromEntries(overrides.map(override => override.split('=')));
    assert.deepEqual([given.Stage, given.Architecture], [stage, 'arm64']);
    assert.deepEqual(Object.keys(given).filter(name => !Parameters[name]), []);
    assert.deepEqual(refusing(given, given.ProductionRegion), []);
    const { capabilities, confirm_changeset, fail_on_empty_changeset, resolve_s3, tags } = config[environment].deploy.parameters;
    assert.equal(fail_on_empty_changeset, false);
    assert.deepEqual(capabilities, ['CAPABILITY_IAM', 'CAPABILITY_AUTO_EXPAND']);
    assert.deepEqual([resolve_s3, confirm_changeset, tags], [true, stage === 'prod', ['Project=mesh', `Stage=${stage}`]]);
  }
});

test('everything that a deploy is asked for is an output', () => {
  const expected = ['CustomDomainUrl', 'GraphQLApiEndpoint', 'GraphQLApiId', 'GraphQLApiKey', 'GraphQLApiRealtimeEndpoint', 'Region', 'TableArn', 'TableName'];
  assert.deepEqual(Object.keys(Outputs).sort(), expected);
});

// --- Parameters

const KEY = { ApiKeyAExpires: '1900000000' };

test('each life exceeds its interval, or the deploy is refused', () => {
  const pairs = {
    HostHeartbeat: ['HostHeartbeatIntervalSeconds', 'HostHeartbeatTtlSeconds'],
    MemberHeartbeat: ['MemberHeartbeatIntervalSeconds', 'MemberHeartbeatTtlSeconds'],
    Polling: ['PollingIntervalSeconds', 'EventTtlSeconds'],
  };
  for (const [rule, [interval, life]] of Object.entries(pairs)) {
    for (const short of Parameters[interval].AllowedValues) {
      for (const long of Parameters[life].AllowedValues) {
        const expected = Number(short) < Number(long) ? [] : [rule];
        assert.deepEqual(refusing({ ...KEY, [interval]: short, [life]: long }), expected, `${short} ${long}`);
      }
    }
  }
});

test('the current API key has a date: without one AppSync ends it after 7 days', () => {
  const date = '1900000000';
  assert.deepEqual(refusing({}), ['CurrentApiKeyIsThere']);
  assert.deepEqual(refusing({ ApiKeyAExpires: date, CurrentApiKey: 'B' }), ['CurrentApiKeyIsThere']);
  for (const CurrentApiKey of ['A', 'B']) {
    assert.deepEqual(refusing({ ApiKeyAExpires: date, ApiKeyBExpires: date, CurrentApiKey }), []);
  }
  for (const [name, { Condition, Properties }] of Object.entries(resourcesOf('AWS::AppSync::ApiKey'))) {
    assert.equal(Condition, `Has${name}`);
    assert.deepEqual(Properties.Expires, { Ref: `${name}Expires` });
  }
});

test('production is in the region that is written down, and staging anywhere', () => {
  const production = { ...KEY, Stage: 'prod' };
  for (const ProductionRegion of ['', 'eu-west-1']) {
    assert.deepEqual(refusing({ ...production, ProductionRegion }, 'ap-northeast-1'), ['OneProduction']);
  }
  assert.deepEqual(refusing({ ...production, ProductionRegion: 'eu-west-1' }, 'eu-west-1'), []);
  assert.deepEqual(refusing(KEY, 'eu-west-1'), []);
});

test('a host name, its certificate and its zone are given together or not at all', () => {
  const parts = { CustomDomainName: 'mesh.example.org', CertificateArn: 'arn', HostedZoneId: 'Z1' };
  const names = Object.keys(parts);
  for (let which = 0; which < 8; which += 1) {
    const given = Object.fromEntries(names.filter((_, at) => which & (1 << at)).map(name => [name, parts[name]]));
    const expected = [0, 3].includes(Object.keys(given).length) ? [] : ['CustomDomainIsWhole'];
    assert.deepEqual(refusing({ ...KEY, ...given }), expected);
  }
});

test('parameters take what they should and nothing else', () => {
  const zone = 'Z0123456789ABCDEFGHIJ';
  const certificate = 'arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012';
  const cases = {
    CertificateArn: [['', certificate], [certificate.replace('us-east-1', 'eu-west-1'), 'certificate']],
    CustomDomainName: [['', 'mesh.example.org'], ['https://mesh.example.org', 'localhost', 'Mesh.Example.org']],
    HostedZoneId: [['', zone], ['/hostedzone/' + zone]],
    AlarmEmail: [['', 'ops@example.org'], ['ops', 'a@b@c', 'a b@c']],
    AppSyncEndpoint: [['', 'https://mesh.example.org/graphql'], ['mesh.example.org']],
    ProductionRegion: [['', 'us-gov-west-1', 'ap-northeast-1'], ['tokyo', 'ap-northeast-1a']],
    DomainSecretVersion: [['', '12345678-1234-1234-1234-123456789012'], ['AWSCURRENT', 'x}}']],
  };
  for (const [name, [good, bad]] of Object.entries(cases)) {
    const pattern = new RegExp(Parameters[name].AllowedPattern);
    assert.deepEqual([good.filter(text => !pattern.test(text)), bad.filter(text => pattern.test(text))], [[], []], name);
  }
  for (const [name, value] of Object.entries(parametersWith({ Stage: 'stg' }))) {
    const { AllowedValues, MaxValue = Infinity, MinValue = -Infinity, Type } = Parameters[name];
    assert.ok(AllowedValues?.includes(value) ?? true, name);
    assert.ok(Type !== 'Number' || (Number(value) >= MinValue && Number(value) <= MaxValue), name);
  }
});

// --- Alarms

/** The metrics that an alarm reads, and the dimensions of each. */
const metricsOf = ({ Properties }) => {
  const metrics = Properties.Metrics
    ? Properties.Metrics.filter(({ MetricStat }) => MetricStat).map(({ MetricStat }) => MetricStat.Metric)
    : [Properties];
  return metrics.map(({ Namespace, MetricName, Dimensions = [] }) => ({
    metric: `${Namespace} ${MetricName}`,
    dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
  }));
};
const watched = Object.values(alarms).flatMap(metricsOf);

test('alarms ask for metrics by the dimensions that AWS gives them', () => {
  const dimensions = {
    'AWS/AppSync 4XXError': 'GraphQLAPIId',
    'AWS/AppSync 5XXError': 'GraphQLAPIId',
    'AWS/AppSync ConnectServerError': 'GraphQLAPIId',
    'AWS/AppSync InboundMessageSuccess': 'GraphQLAPIId',
    'AWS/AppSync Latency': 'GraphQLAPIId',
    'AWS/AppSync OutboundMessages': 'GraphQLAPIId',
    'AWS/DynamoDB ReadThrottleEvents': 'TableName or GlobalSecondaryIndexName,TableName',
    'AWS/DynamoDB SystemErrors': 'Operation,TableName',
    'AWS/DynamoDB WriteThrottleEvents': 'TableName or GlobalSecondaryIndexName,TableName',
    'AWS/Lambda ConcurrentExecutions': '',
    'AWS/Lambda Duration': 'FunctionName',
    'AWS/Lambda Errors': 'FunctionName',
    'AWS/Lambda Throttles': 'FunctionName',
    'Mesh Errors': 'ErrorType,Stack',
  };
  const asked = {};
  for (const { metric, dimensions: given } of watched) {
    asked[metric] = (asked[metric] ?? new Set()).add(Object.keys(given).sort().join());
  }
  const names = Object.entries(asked).map(([metric, sets]) => [metric, [...sets].join(' or ')]);
  assert.deepEqual(Object.fromEntries(names.sort()), dimensions);
});

test('throttles of the table and of each index are summed', () => {
  const indexes = Resources.Table.Properties.GlobalSecondaryIndexes.map(({ IndexName }) => IndexName);
  for (const access of ['Read', 'Write']) {
    const [sum] = alarms[`${access}ThrottlesAlarm`].Properties.Metrics;
    assert.equal(sum.Expression, 'SUM(METRICS())');
    const summed = metricsOf(alarms[`${access}ThrottlesAlarm`]).map(({ dimensions }) => dimensions.GlobalSecondaryIndexName);
    assert.deepEqual(summed, [undefined, ...indexes]);
  }
});

// --- The bill

test('messages are an alarm by the number of busy lessons that the cost table counts', () => {
  const row = textOf('docs/operations.md').match(/^\| busy \| (\d+) \| (\d+) \|/m);
  const delivered = Number(row[2]) / (35 * 60) * 300;
  const { Published, Delivered } = Mappings.MessagesOfLesson;
  assert.ok(Math.abs(Delivered.Count / delivered - 1) < 0.01, `${delivered}`);
  // One to each of 40 programs.
  assert.equal(Published.Count, Delivered.Count / 40);
  for (const name of ['Published', 'Delivered']) {
    const { Metrics, Threshold } = alarms[`${name}MessagesAlarm`].Properties;
    assert.deepEqual(Threshold, { Ref: 'MaxBusyLessons' });
    assert.deepEqual(Metrics[0].Expression, { 'Fn::Sub': ['messages / ${Lesson}', { Lesson: Mappings.MessagesOfLesson[name].Count }] });
  }
  const hour = textOf('docs/operations.md').match(/^\| busy \|.*\*\*(\d\.\d\d)\*\* \| \*\*/m)[1] * 60 / 35 * Parameters.MaxBusyLessons.Default;
  assert.match(Parameters.MaxBusyLessons.Description, new RegExp(`ten cost ${Math.round(hour)} \\$`));
});

test('a budget tells who is told of alarms, or there is none', () => {
  const { Condition, Properties } = Resources.Budget;
  assert.equal(Condition, 'HasBudget');
  assert.deepEqual(template.Conditions.HasBudget['Fn::And'][0], { Condition: 'HasAlarmEmail' });
  assert.deepEqual(Properties.Budget.BudgetLimit, { Amount: { Ref: 'MonthlyBudget' }, Unit: 'USD' });
  for (const { Subscribers } of Properties.NotificationsWithSubscribers) {
    assert.deepEqual(Subscribers, [{ SubscriptionType: 'EMAIL', Address: { Ref: 'AlarmEmail' } }]);
  }
  // A change of who is told replaces the budget, and a name of its own could not be taken twice.
  assert.ok(!('BudgetName' in Properties.Budget));
});

test('the firewall is off unless asked for, counts by address, and lets preflights pass', () => {
  assert.equal(Parameters.RequestsPerAddress.Default, 0);
  assert.deepEqual([Resources.Firewall.Condition, Resources.FirewallOfApi.Condition], ['HasFirewall', 'HasFirewall']);
  assert.deepEqual(Resources.FirewallOfApi.Properties.ResourceArn, { 'Fn::GetAtt': ['Api', 'Arn'] });
  const [{ Action, Statement }, ...others] = Resources.Firewall.Properties.Rules;
  assert.deepEqual([Action, others], [{ Block: {} }, []]);
  const { AggregateKeyType, Limit, ScopeDownStatement } = Statement.RateBasedStatement;
  assert.deepEqual([AggregateKeyType, Limit], ['IP', { Ref: 'RequestsPerAddress' }]);
  assert.equal(ScopeDownStatement.NotStatement.Statement.ByteMatchStatement.SearchString, 'OPTIONS');
});

test('errors, throttles and durations of every function are watched once, at most 10 in an alarm', () => {
  for (const metric of ['Errors', 'Throttles', 'Duration']) {
    const names = watched.filter(one => one.metric === `AWS/Lambda ${metric}`).map(({ dimensions }) => dimensions.FunctionName.Ref);
    assert.deepEqual(names.sort(), Object.keys(functions).sort());
  }
  for (const [name, alarm] of Object.entries(alarms)) {
    assert.ok(metricsOf(alarm).length <= 10, name);
    for (const metric of alarm.Properties.Metrics ?? []) {
      assert.equal(metric.ReturnData ?? true, 'Expression' in metric, name);
    }
  }
});

test('errors of the table are summed over every request that functions may send', () => {
  const operations = watched.filter(({ metric }) => metric.endsWith('SystemErrors')).map(({ dimensions }) => dimensions.Operation);
  const allowed = new Set(Object.keys(functions).flatMap(actions).filter(action => action.startsWith('dynamodb:')));
  // A transaction needs the right to put what it puts.
  const expected = [...allowed].map(action => action.split(':')[1]).concat('TransactWriteItems');
  assert.deepEqual(operations.sort(), expected.sort());
});

test('an API key that ends within 30 days is an alarm', () => {
  for (const key of ['A', 'B']) {
    const { Condition, Properties } = alarms[`ApiKey${key}EndsAlarm`];
    assert.equal(Condition, `WatchesApiKey${key}`);
    assert.deepEqual([Properties.ComparisonOperator, Properties.Threshold], ['LessThanThreshold', 30]);
    const { Expression } = Properties.Metrics.find(({ Id }) => Id === 'days');
    assert.deepEqual(Expression, { 'Fn::Sub': `(\${ApiKey${key}Expires} - EPOCH(requests)) / 86400` });
  }
});

test('alarms are told to a topic that they may write to', () => {
  assert.ok(!('KmsMasterKeyId' in Resources.AlarmTopic.Properties));
  for (const [name, { Properties }] of Object.entries(alarms)) {
    assert.deepEqual(Properties.AlarmActions['Fn::If'].slice(0, 2), ['HasAlarmEmail', [{ Ref: 'AlarmTopic' }]], name);
    assert.ok(Properties.TreatMissingData, name);
  }
});

test('the rehearsal leaves out metric math and one output, nothing else', () => {
  const guarded = section => Object.keys(section).filter(name => /^(IsRealAccount|Watches)/.test(section[name].Condition ?? ''));
  assert.deepEqual(guarded(Resources).sort(), Object.keys(alarms).filter(name => alarms[name].Properties.Metrics).sort());
  assert.deepEqual(guarded(Outputs), ['GraphQLApiRealtimeEndpoint']);
});

test('the dashboard is JSON once its names are filled in', () => {
  const body = Resources.Dashboard.Properties.DashboardBody['Fn::Sub'].replace(/\$\{[\w.:]+\}/g, 'name');
  assert.ok(JSON.parse(body).widgets.length >= 9);
});

test('the dashboard searches the whole name of a stack in its own metrics, and a part of a name in those of functions', () => {
  const body = Resources.Dashboard.Properties.DashboardBody['Fn::Sub'];
  const searches = [...body.matchAll(/SEARCH\('(\{.*?\}) (.*?)'/g)].map(([, schema, term]) => `${schema} ${term}`);
  const ours = word => `{Mesh,Stack,${word}} Stack=\\"\${AWS::StackName}\\" `;
  const functions = '{AWS/Lambda,FunctionName} FunctionName=${AWS::StackName} ';
  assert.ok(searches.length >= 5);
  for (const search of searches) {
    assert.ok([ours('Operation'), ours('ErrorType'), functions].some(start => search.startsWith(start)), search);
    assert.match(search, /MetricName=\\"\w+\\"$/);
  }
});
