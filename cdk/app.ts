import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { HeliosError } from '../src/utils/errors.ts';
import { farmStackName } from '../src/utils/farm-stack-name.ts';
import { readContext } from './context-props.ts';
import { FarmStack } from './farm-stack.ts';

function main(): void {
  const app = new App();
  const context = readContext(app.node);
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
  new FarmStack(app, 'Farm', {
    context,
    stackName: farmStackName(context.farm),
    description: `The Helios render farm ${context.farm}`,
    // A VPC is looked up in an account; all else is the same everywhere.
    ...(context.vpcId && account && region ? { env: { account, region } } : {}),
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}

try {
  main();
} catch (error) {
  if (!(error instanceof HeliosError)) throw error;
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
