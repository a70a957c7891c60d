import { rm } from 'node:fs/promises';
import validate from 'asl-validator';
import { expect, test } from 'vitest';
import { placeholderAssets } from './placeholder-assets.ts';
import { definition } from './run-machine.ts';
import { synthFarm } from './synth-farm.ts';

// biome-ignore lint/suspicious/noExplicitAny: a definition is free-form JSON
const branch = (definition as any).States['Render and mix'].Branches[1];
const { 'Render inline': inline, 'Render distributed': distributed } = branch.States;

test('more than 40 segments are read from the store below its prefix, and what children answer stays there', () => {
  expect(branch.States['Few segments?']).toMatchObject({
    Choices: [{ Variable: '$.plan.segments', NumericLessThanEquals: 40, Next: 'Render inline' }],
    Default: 'Render distributed',
  });
  expect(distributed).toMatchObject({
    MaxConcurrencyPath: '$.plan.maxParallel',
    ToleratedFailureCount: 0,
    ItemReader: {
      ReaderConfig: { InputType: 'JSON' },
      Parameters: { Bucket: 'films', 'Key.$': "States.Format('video/{}', $.plan.itemsKey)" },
    },
    ResultWriter: {
      Parameters: { Bucket: 'films', 'Prefix.$': "States.Format('video/map-runs/{}', $.plan.id)" },
    },
    ResultPath: null,
  });
  expect(distributed.ItemProcessor.ProcessorConfig).toEqual({
    Mode: 'DISTRIBUTED',
    ExecutionType: 'STANDARD',
  });
});

test('both maps do the same with a segment', () => {
  const { ProcessorConfig: _, ...states } = distributed.ItemProcessor;
  const plainNames = JSON.parse(JSON.stringify(states).replaceAll(' (distributed)', ''));
  expect({ ProcessorConfig: { Mode: 'INLINE' }, ...plainNames }).toEqual(inline.ItemProcessor);
  expect(distributed.ItemSelector).toEqual(inline.ItemSelector);
  expect(inline.MaxConcurrencyPath).toBe(distributed.MaxConcurrencyPath);
  expect(inline.ItemProcessor.States['Render segment'].TimeoutSecondsPath).toBe('$.timeoutSeconds');
});

test('no state name is used twice', () => {
  const names: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (key === 'States') names.push(...Object.keys(child as object));
      collect(child);
    }
  };
  collect(definition);
  expect(names).toHaveLength(new Set(names).size);
});

test('the definition in the template is whole and valid', async () => {
  const assets = await placeholderAssets();
  try {
    const { template } = synthFarm({ assets, prefix: 'video' });
    const [machine = {}] = Object.values(template.findResources('AWS::StepFunctions::StateMachine')).map(
      ({ Properties }) => Properties,
    );
    const [, parts] = machine.DefinitionString['Fn::Join'] as [string, unknown[]];
    const text = parts.map((part) => (typeof part === 'string' ? part : 'aws')).join('');
    expect(validate(JSON.parse(text)).errorsText()).toBe('');
    expect(machine).toMatchObject({
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
    });
  } finally {
    await rm(assets.folder, { recursive: true, force: true });
  }
});
