// One name everywhere: the schema's fields, resolvers, data sources, functions and their crates. What crates,
// operations and events are called is held by crates/mesh-lambda/tests/functions/tidy.rs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kebab, namesIn, pascal, textOf } from './support/project.js';
import { PUBLISH, fields } from './support/schema.js';
import { resourcesOf, template } from './support/template.js';

const functions = resourcesOf('AWS::Serverless::Function');
const sources = resourcesOf('AWS::AppSync::DataSource');
const resolvers = Object.values(resourcesOf('AWS::AppSync::Resolver')).map(({ Properties }) => Properties);

/** The function behind a resolver. */
const functionOf = resolver => {
  const [source] = resolver.DataSourceName['Fn::GetAtt'];
  return sources[source].Properties.LambdaConfig?.LambdaFunctionArn['Fn::GetAtt'][0];
};

test('each field has one resolver, which waits for the schema', () => {
  const resolved = resolvers.map(({ TypeName, FieldName }) => `${TypeName}.${FieldName}`);
  assert.deepEqual(resolved.sort(), fields.map(({ type, field }) => `${type}.${field}`).sort());
  for (const { DependsOn } of Object.values(resourcesOf('AWS::AppSync::Resolver'))) {
    assert.equal(DependsOn, 'Schema');
  }
});

test('each resolver invokes the function of its field; publishing alone has none', () => {
  for (const resolver of resolvers) {
    const field = resolver.FieldName;
    const expected = field === 'reportDataByNode' ? 'ReportStatusFunction' : `${pascal(field)}Function`;
    assert.equal(functionOf(resolver), field === PUBLISH ? undefined : expected);
    assert.equal(resolver.CodeS3Location, `resolvers/${field === PUBLISH ? 'publish' : 'invoke'}.js`);
    assert.deepEqual(resolver.Runtime, { Name: 'APPSYNC_JS', RuntimeVersion: '1.0.0' });
  }
});

test('functions are built from the crates of their names', () => {
  const names = Object.keys(functions).map(name => kebab(name.replace(/Function$/, '')));
  assert.deepEqual(names.sort(), namesIn('crates/functions'));
  for (const [name, { Properties, Metadata }] of Object.entries(functions)) {
    assert.equal(Properties.CodeUri, `crates/functions/${kebab(name.replace(/Function$/, ''))}`);
    assert.equal(Metadata.BuildMethod, 'rust-cargolambda');
  }
});

test('AppSync may invoke the functions and nothing else', () => {
  const [{ PolicyDocument }] = template.Resources.DataSourceRole.Properties.Policies;
  const [{ Action, Resource }] = PolicyDocument.Statement;
  assert.equal(Action, 'lambda:InvokeFunction');
  assert.deepEqual(Resource.map(arn => arn['Fn::GetAtt'].join('.')).sort(), Object.keys(functions).map(name => `${name}.Arn`).sort());
});

test('the secret is given to createDomain alone, the endpoint to recordEventsByNode alone', () => {
  const given = Object.entries(functions).flatMap(([name, { Properties }]) =>
    Object.keys(Properties.Environment?.Variables ?? {}).map(variable => [name, variable]),
  );
  assert.deepEqual(given, [
    ['CreateDomainFunction', 'MESH_SECRET_KEY'],
    ['RecordEventsByNodeFunction', 'MESH_APPSYNC_ENDPOINT'],
  ]);
});

test('functions read every variable they are given, and the defaults are those of the code', () => {
  const code = textOf('crates/mesh-lambda/src/environment.rs');
  const settings = textOf('crates/mesh-core/src/settings.rs');
  for (const [name, { Ref }] of Object.entries(template.Globals.Function.Environment.Variables)) {
    assert.ok(code.includes(`"${name}"`), name);
    const setting = name.match(/^MESH_(\w+)_SECONDS$/)?.[1].toLowerCase();
    if (setting) {
      const [, value] = settings.match(new RegExp(`\\b${setting}: (\\d+),`));
      assert.equal(String(template.Parameters[Ref].Default), value, name);
    }
  }
});

test('the table is the one that the tests of the store make', () => {
  const code = textOf('crates/mesh-dynamodb/src/table/definition.rs');
  const { AttributeDefinitions, GlobalSecondaryIndexes, KeySchema, TimeToLiveSpecification } =
    template.Resources.Table.Properties;
  const named = [
    ...AttributeDefinitions.map(({ AttributeName }) => AttributeName),
    ...GlobalSecondaryIndexes.map(({ IndexName }) => IndexName),
    ...GlobalSecondaryIndexes.flatMap(({ Projection }) => Projection.NonKeyAttributes ?? []),
    TimeToLiveSpecification.AttributeName,
  ];
  assert.deepEqual(named.sort(), [...code.matchAll(/"(\w+)"/g)].map(([, word]) => word).filter((word, at, all) => all.indexOf(word) === at).sort());
  for (const keys of [KeySchema, ...GlobalSecondaryIndexes.map(index => index.KeySchema)]) {
    const [partition, sort] = keys.map(({ AttributeName }) => AttributeName);
    assert.match(code, new RegExp(`KEYS: .* = \\("${partition}", "${sort}"\\)`));
  }
});
