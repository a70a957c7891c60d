import { Validations } from 'aws-cdk-lib';
import { CfnPolicy } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** Says why a finding of cdk-nag's AwsSolutions rules is right as it is, for the construct and what is in it. */
export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `AwsSolutions-${rule}`, reason });
}

interface Statement {
  readonly Sid?: string;
  readonly Action: unknown;
  readonly Resource: unknown;
}

/**
 * Gives the reason for each wildcard of a role's policies, or of one policy, by its statement's `Sid`, or by its
 * first action: the statements that the CDK adds have no `Sid`. A wildcard without a reason stays a finding.
 */
export function acknowledgeWildcards(holder: IConstruct, reasons: Readonly<Record<string, string>>): void {
  // A validation, since only then references to other stacks have their final form, which is in a finding's id.
  holder.node.addValidation({
    validate: () => {
      const policies = holder.node.findAll().filter((node) => node instanceof CfnPolicy);
      const statements = policies.flatMap(
        ({ stack, policyDocument }) => stack.resolve(policyDocument).Statement as Statement[],
      );
      for (const { Sid, Action, Resource } of statements) {
        const reason = reasons[Sid ?? String([Action].flat()[0])];
        if (reason === undefined) continue;
        const findings = [
          ...[Action].flat().map((action) => `Action::${flat(action)}`),
          ...[Resource].flat().map((resource) => `Resource::${flat(resource)}`),
        ];
        for (const finding of findings.filter((text) => text.includes('*')))
          acknowledge(holder, `IAM5[${finding}]`, reason);
      }
      return [];
    },
  });
}

/** A value of a template as cdk-nag writes it: references in angle brackets. */
function flat(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll('${', '<').replaceAll('}', '>');
  const [[kind, content] = []] = Object.entries(value as Record<string, unknown>);
  if (kind === 'Fn::Join') {
    const [delimiter, items] = content as [string, unknown[]];
    return items.map(flat).join(delimiter);
  }
  if (kind === 'Fn::GetAtt') return `<${(content as unknown[]).map(flat).join('.')}>`;
  if (kind === 'Ref') return `<${flat(content)}>`;
  if (kind === 'Fn::Sub' || kind === 'Fn::ImportValue') return flat(content);
  return JSON.stringify(value);
}
