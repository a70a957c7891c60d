import { Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type FunctionName, functionNames } from '../../cdk/function-sizes.ts';
import { RenderFarm, type RenderFarmProps } from '../../cdk/index.ts';
import { testApp } from './test-app.ts';

export interface Synthesized {
  readonly stack: Stack;
  readonly farm: RenderFarm;
  readonly template: Template;
}

/** A stack of one farm; `props` may make what the farm is given, in the same stack. */
export function synthFarm(
  props: RenderFarmProps | ((stack: Stack) => RenderFarmProps),
  stackProps: StackProps = {},
): Synthesized {
  const stack = new Stack(testApp(), 'Test', stackProps);
  const farm = new RenderFarm(stack, 'Farm', typeof props === 'function' ? props(stack) : props);
  return { stack, farm, template: Template.fromStack(stack) };
}

/** Properties of a resource of the template, by a reference to it. */
export function propertiesOf(
  { template, stack }: Pick<Synthesized, 'template' | 'stack'>,
  ref: unknown,
): Record<string, unknown> {
  const { Ref: id } = stack.resolve(ref) as { Ref: string };
  return template.toJSON().Resources[id].Properties;
}

export interface Statement {
  readonly Sid?: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

/** What a role may do: its policies' statements by `Sid`, with places in the farm's bucket as `store:<key>`. */
export function statementsOf({ template, stack }: Synthesized, role: unknown): Record<string, Statement> {
  const { Ref: name } = stack.resolve(role) as { Ref: string };
  const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter(({ Properties }) =>
    (Properties.Roles as { Ref: string }[]).some(({ Ref }) => Ref === name),
  );
  const statements = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[]);
  return Object.fromEntries(statements.map((statement) => [statement.Sid ?? 'by CDK', statement]));
}

/** Keys of the store that a statement names, such as `blobs/*`. */
export function keysOf(statement: Statement | undefined): string[] {
  return [statement?.Resource ?? []].flat().map((resource) => {
    const [, parts] = (resource as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
    return String(parts.at(-1)).slice(1);
  });
}

export const eachFunction = (farm: RenderFarm): [FunctionName, RenderFarm['functions'][FunctionName]][] =>
  functionNames.map((name) => [name, farm.functions[name]]);
