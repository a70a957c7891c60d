import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { askAws } from './aws-errors.ts';

export interface LogLine {
  /** Milliseconds of the epoch. */
  readonly at: number;
  readonly logGroup: string;
  readonly stream: string;
  readonly text: string;
}

export interface LogQuery {
  readonly logGroups: readonly string[];
  /** Lines that contain it. */
  readonly id: string;
  readonly since: Date;
  /** Lines of a group at the most. */
  readonly limit: number;
}

/** What functions logged of a render, by time. @throws AccessDeniedError and others */
export async function readLogs({ logGroups, id, since, limit }: LogQuery): Promise<LogLine[]> {
  const client = new CloudWatchLogsClient({});
  const region = () => client.config.region();
  const lines: LogLine[] = [];
  try {
    for (const logGroup of logGroups) {
      let nextToken: string | undefined;
      let found = 0;
      do {
        const request = {
          logGroupName: logGroup,
          filterPattern: JSON.stringify(id),
          startTime: since.getTime(),
          limit: Math.min(limit - found, 10_000),
          nextToken,
        };
        const page = await askAws({ permission: 'logs:FilterLogEvents', resource: logGroup, region }, () =>
          client.send(new FilterLogEventsCommand(request)).catch((error: Error) => {
            // A function that never ran may have no group.
            if (error.name === 'ResourceNotFoundException') return undefined;
            throw error;
          }),
        );
        if (!page) break;
        for (const { timestamp = 0, logStreamName = '', message = '' } of page.events ?? []) {
          lines.push({ at: timestamp, logGroup, stream: logStreamName, text: message.trimEnd() });
          found++;
        }
        ({ nextToken } = page);
      } while (nextToken && found < limit);
    }
  } finally {
    client.destroy();
  }
  return lines.sort((a, b) => a.at - b.at);
}

/** Lines of one segment first, then all others. */
export function segmentFirst(lines: readonly LogLine[], segment: number | undefined): LogLine[] {
  if (segment === undefined) return [...lines];
  const ofSegment = new RegExp(`"(?:index|segment)"\\s*:\\s*${segment}\\b`);
  const streams = new Set(lines.filter(({ text }) => ofSegment.test(text)).map(({ stream }) => stream));
  const first = lines.filter(({ stream, text }) => streams.has(stream) && ofSegment.test(text));
  const rest = lines.filter((line) => !first.includes(line));
  return [...first, ...rest];
}
