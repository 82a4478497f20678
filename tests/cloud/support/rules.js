import { template } from './template.js';

const evaluate = (node, parameters) => {
  const every = list => list.map(one => evaluate(one, parameters));
  const [[name, given]] = Object.entries(node);
  switch (name) {
    case 'Ref':
      return parameters[given];
    case 'Fn::And':
      return every(given).every(Boolean);
    case 'Fn::Or':
      return every(given).some(Boolean);
    case 'Fn::Not':
      return !evaluate(given[0], parameters);
    case 'Fn::Equals':
      return given.map(one => (typeof one === 'string' ? one : evaluate(one, parameters))).every((one, _, [first]) => one === first);
    case 'Fn::Contains':
      return given[0].includes(evaluate(given[1], parameters));
    default:
      throw new Error(`rules have no ${name}`);
  }
};

const defaults = Object.fromEntries(
  Object.entries(template.Parameters).map(([name, parameter]) => [name, String(parameter.Default)]),
);

/** The values of all parameters, of those that are given. */
export const parametersWith = given => ({ ...defaults, ...given });

const REGION = 'ap-northeast-1';

/** The names of the rules that refuse a deploy to `region` with these parameters, the others having their defaults. */
export const refusing = (given, region = REGION) =>
  Object.entries(template.Rules)
    .filter(([, { Assertions }]) => !Assertions.every(({ Assert }) => evaluate(Assert, { ...parametersWith(given), 'AWS::Region': region })))
    .map(([name]) => name);
