import type { RenderStep } from '../src/orchestrator/record-failure.ts';
import { INLINE_SEGMENTS } from '../src/types/plan.ts';
import { SegmentDamagedError } from '../src/utils/errors.ts';
import { mapLabel, mapRunsPrefix } from './farm-keys.ts';
import type { FunctionName } from './function-sizes.ts';
import { retries } from './retries.ts';

export interface DefinitionParts {
  readonly farm: string;
  /** ARNs or names of the functions. */
  readonly functions: Readonly<Record<FunctionName, string>>;
  readonly bucket: string;
  /** Below which the store's keys begin: empty, or a path that ends with a slash. */
  readonly prefix: string;
  readonly eventBus: string;
  /** Of the whole execution, in seconds. */
  readonly timeoutSeconds: number;
  /** @default aws */
  readonly partition?: string;
}

type State = Readonly<Record<string, unknown>>;

const catchAll = (next: string, path: string | null = '$.error') => [
  { ErrorEquals: ['States.ALL'], ResultPath: path, Next: next },
];

const failedIn = (step: RenderStep): State => ({
  Type: 'Pass',
  Result: step,
  ResultPath: '$.step',
  Next: 'Record failure',
});

/** The state machine in the Amazon States Language; its input is `{job, ref?, capacity?}`. */
export function renderDefinition(parts: DefinitionParts): State {
  const { functions, bucket, prefix } = parts;
  const { invoke, putEvent } = tasks(parts);
  const ofExecution = { 'id.$': '$$.Execution.Input.job.id', 'execution.$': '$$.Execution.Id' };

  const segmentFailed = {
    Type: 'Fail',
    Error: 'SegmentFailed',
    Cause: 'The error.json of the render names the segment and the cause.',
  };

  /** One segment; state names are unique in the whole machine, so each map has its own. */
  const segment = (suffix: string): State => ({
    StartAt: `Render segment${suffix}`,
    States: {
      [`Render segment${suffix}`]: {
        ...invoke(functions.render, {
          'id.$': '$.id',
          'index.$': '$.index',
          'attempt.$': '$$.State.RetryCount',
          // Ends before it is given up: a function that nobody waits for any more is billed on.
          'timeoutSeconds.$': '$.timeoutSeconds',
        }),
        TimeoutSecondsPath: '$.timeoutSeconds',
        ResultSelector: {
          'index.$': '$.Payload.index',
          'frames.$': '$.Payload.frames',
          'cached.$': '$.Payload.cached',
          'ms.$': '$.Payload.ms',
        },
        Catch: catchAll(`Record segment failure${suffix}`),
        End: true,
      },
      [`Record segment failure${suffix}`]: {
        ...invoke(functions.failure, {
          'id.$': '$.id',
          'error.$': '$.error',
          segment: { 'index.$': '$.index', 'range.$': '$.range' },
          'execution.$': '$.execution',
        }),
        ResultPath: null,
        Catch: catchAll(`Segment failed${suffix}`, null),
        Next: `Segment failed${suffix}`,
      },
      [`Segment failed${suffix}`]: segmentFailed,
    },
  });
  const eachSegment = {
    Type: 'Map',
    ItemSelector: {
      'id.$': '$.plan.id',
      'index.$': '$$.Map.Item.Value.index',
      'range.$': '$$.Map.Item.Value.range',
      'timeoutSeconds.$': '$.plan.renderTimeoutSeconds',
      'execution.$': '$$.Execution.Id',
    },
    MaxConcurrencyPath: '$.plan.maxParallel',
    ResultPath: null,
    End: true,
  };

  return {
    Comment: 'Plans a render, renders its segments and its sound side by side, joins them.',
    StartAt: 'Announce start',
    TimeoutSeconds: parts.timeoutSeconds,
    States: {
      'Announce start': { ...putEvent('Render Started', ofExecution, 'Plan'), Next: 'Plan' },
      Plan: {
        ...invoke(functions.plan, '$'),
        ResultSelector: { 'plan.$': '$.Payload' },
        Catch: catchAll('Plan failed'),
        Next: 'Render and mix',
      },
      'Render and mix': {
        Type: 'Parallel',
        Branches: [
          {
            StartAt: 'Audio',
            States: {
              Audio: {
                ...invoke(functions.audio, { 'id.$': '$.plan.id' }),
                ResultSelector: { 'key.$': '$.Payload.key', 'ms.$': '$.Payload.ms' },
                Catch: catchAll('Record audio failure'),
                End: true,
              },
              'Record audio failure': {
                ...invoke(functions.failure, {
                  'id.$': '$.plan.id',
                  'execution.$': '$$.Execution.Id',
                  'error.$': '$.error',
                  step: 'audio',
                }),
                ResultPath: null,
                Catch: catchAll('Audio failed', null),
                Next: 'Audio failed',
              },
              'Audio failed': { Type: 'Fail', ErrorPath: '$.error.Error', CausePath: '$.error.Cause' },
            },
          },
          {
            StartAt: 'Few segments?',
            States: {
              'Few segments?': {
                Type: 'Choice',
                Choices: [
                  {
                    Variable: '$.plan.segments',
                    NumericLessThanEquals: INLINE_SEGMENTS,
                    Next: 'Render inline',
                  },
                ],
                Default: 'Render distributed',
              },
              'Render inline': {
                ...eachSegment,
                ItemsPath: '$.plan.items',
                ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, ...segment('') },
              },
              'Render distributed': {
                ...eachSegment,
                Label: mapLabel,
                ItemReader: {
                  Resource: `arn:${parts.partition ?? 'aws'}:states:::s3:getObject`,
                  ReaderConfig: { InputType: 'JSON' },
                  Parameters: {
                    Bucket: bucket,
                    'Key.$': prefix ? `States.Format('${prefix}{}', $.plan.itemsKey)` : '$.plan.itemsKey',
                  },
                },
                ItemProcessor: {
                  ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
                  ...segment(' (distributed)'),
                },
                ToleratedFailureCount: 0,
                Catch: catchAll('Record map failure'),
                ResultWriter: {
                  Resource: `arn:${parts.partition ?? 'aws'}:states:::s3:putObject`,
                  Parameters: {
                    Bucket: bucket,
                    'Prefix.$': `States.Format('${prefix}${mapRunsPrefix}/{}', $.plan.id)`,
                  },
                },
              },
              'Record map failure': {
                ...invoke(functions.failure, {
                  'id.$': '$.plan.id',
                  'error.$': '$.error',
                  step: 'render',
                  'execution.$': '$$.Execution.Id',
                }),
                ResultPath: null,
                Catch: catchAll('Segments failed', null),
                Next: 'Segments failed',
              },
              'Segments failed': segmentFailed,
            },
          },
        ],
        ResultSelector: { 'audio.$': '$[0]' },
        ResultPath: '$.parts',
        Catch: catchAll('Parts failed'),
        Next: 'Stitch',
      },
      Stitch: {
        ...invoke(functions.stitch, {
          'id.$': '$.plan.id',
          'audioKey.$': '$.parts.audio.key',
          'audioMs.$': '$.parts.audio.ms',
        }),
        ResultSelector: { 'result.$': '$.Payload' },
        Catch: [
          { ErrorEquals: [SegmentDamagedError.name], ResultPath: '$.error', Next: 'Mended before?' },
          ...catchAll('Stitch failed'),
        ],
        Next: 'Announce success',
      },
      'Mended before?': {
        Type: 'Choice',
        Choices: [{ Variable: '$.mended', IsPresent: true, Next: 'Stitch failed' }],
        Default: 'Mend segments',
      },
      // The render function finds the sound ones, and renders what the store lost.
      'Mend segments': { Type: 'Pass', Result: true, ResultPath: '$.mended', Next: 'Render and mix' },
      'Announce success': {
        ...putEvent('Render Succeeded', { ...ofExecution, 'output.$': '$.result.output' }, 'Rendered'),
        Next: 'Rendered',
      },
      Rendered: { Type: 'Succeed', OutputPath: '$.result' },
      'Plan failed': failedIn('plan'),
      // Of what failed in a part the record is written there, and stays.
      'Parts failed': failedIn('render'),
      'Stitch failed': failedIn('stitch'),
      'Record failure': {
        ...invoke(functions.failure, { ...ofExecution, 'error.$': '$.error', 'step.$': '$.step' }),
        ResultPath: null,
        Catch: catchAll('Announce failure', null),
        Next: 'Announce failure',
      },
      'Announce failure': {
        ...putEvent('Render Failed', { ...ofExecution, 'error.$': '$.error.Error' }, 'Describe failure'),
        Next: 'Describe failure',
      },
      'Describe failure': {
        Type: 'Pass',
        Parameters: {
          'cause.$': `States.Format('{}: see s3://${bucket}/${prefix}renders/{}/error.json', $.error.Error, $$.Execution.Input.job.id)`,
        },
        Next: 'Failed',
      },
      Failed: { Type: 'Fail', Error: 'RenderFailed', CausePath: '$.cause' },
    },
  };
}

function tasks({ farm, eventBus, partition = 'aws' }: DefinitionParts) {
  const invoke = (name: string, payload: State | '$'): State => ({
    Type: 'Task',
    Resource: `arn:${partition}:states:::lambda:invoke`,
    Parameters: { FunctionName: name, [payload === '$' ? 'Payload.$' : 'Payload']: payload },
    Retry: retries,
  });
  /** A render does not depend on its events: one that can't be sent is left out. */
  const putEvent = (detailType: string, detail: State, next: string): State => ({
    Type: 'Task',
    Resource: `arn:${partition}:states:::events:putEvents`,
    Parameters: {
      Entries: [
        {
          Source: 'helios-infra',
          DetailType: detailType,
          EventBusName: eventBus,
          Detail: { farm, ...detail },
        },
      ],
    },
    Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 2 }],
    Catch: catchAll(next, null),
    ResultPath: null,
  });
  return { invoke, putEvent };
}
