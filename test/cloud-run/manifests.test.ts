import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { PROGRAMS } from '../../cloud-run/bundle.ts';
import { readJobSettings, readSettings } from '../../cloud-run/settings.ts';
import { manifestFolder, readManifest } from '../../src/cli/gcp-manifest.ts';
import { jobSizeValues } from '../../src/cli/job-size.ts';
import { buildManifestSchema, jobManifestSchema, serviceManifestSchema } from './knative-schema.ts';
import { copiedSources, lintDockerfile } from './lint-dockerfile.ts';

const values = {
  FARM: 'default',
  SERVICE: 'helios-default',
  JOB: 'helios-default-job',
  IMAGE: 'europe-west1-docker.pkg.dev/project/helios-default/helios-infra:0.1.0',
  BUCKET: 'project-helios-default',
  SERVICE_URL: 'https://helios-default-1.europe-west1.run.app',
  CALLERS: 'helios-default-job@project.iam.gserviceaccount.com',
  MAX_INSTANCES: '100',
  ...jobSizeValues({}),
  SERVICE_ACCOUNT: 'helios-default-service@project.iam.gserviceaccount.com',
};
const envOf = (env: readonly { name: string; value: string }[]) =>
  Object.fromEntries(env.map(({ name, value }) => [name, value]));
const gibibytes = (text: string | undefined): number => Number(/^(\d+)Gi$/.exec(text ?? '')?.[1]);

test('service.yaml has the fields that Cloud Run knows, and says what the server understands', async () => {
  const { metadata, spec } = serviceManifestSchema.parse(parse(await readManifest('service.yaml', values)));
  expect(metadata.name).toBe('helios-default');
  const { containers, containerConcurrency, timeoutSeconds, volumes } = spec.template.spec;
  const [container] = containers;
  const settings = readSettings(envOf(container?.env ?? []));
  expect(settings).toMatchObject({
    port: container?.ports?.[0]?.containerPort,
    concurrency: containerConcurrency,
    timeoutSeconds,
    audience: [values.SERVICE_URL],
    callers: [values.CALLERS],
    maxParallel: 100,
  });
  // Cloud Run gives ten seconds after SIGTERM.
  expect(settings.graceMs).toBeLessThan(10_000);
  expect(container?.startupProbe?.httpGet.path).toBe('/readiness');
  expect(container?.livenessProbe?.httpGet.path).toBe('/health');
  expect(container?.volumeMounts).toEqual([{ name: volumes[0]?.name, mountPath: '/tmp' }]);
  expect(gibibytes(volumes[0]?.emptyDir.sizeLimit)).toBeLessThan(
    gibibytes(container?.resources.limits.memory),
  );
});

test('job.yaml has the fields that Cloud Run knows, and says what the job understands', async () => {
  const { spec } = jobManifestSchema.parse(parse(await readManifest('job.yaml', values)));
  const { containers, maxRetries, volumes } = spec.template.spec.template.spec;
  const [container] = containers;
  expect(container?.args).toEqual(['/app/job/index.mjs']);
  expect(maxRetries).toBeGreaterThan(0);
  expect(readJobSettings({ ...envOf(container?.env ?? []), HELIOS_RENDER: 'intro' })).toMatchObject({
    id: 'intro',
    url: values.SERVICE_URL,
    concurrency: 100,
    execution: 'local',
  });
  expect(container?.resources.limits).toEqual({ cpu: '2', memory: '8Gi' });
  expect(volumes[0]?.emptyDir.sizeLimit).toBe('5Gi');
});

test("a farm's name stays text, whatever YAML would make of it", async () => {
  for (const FARM of ['no', 'on', 'null', 'true']) {
    for (const name of ['service.yaml', 'job.yaml'] as const) {
      const { metadata, spec } = parse(await readManifest(name, { ...values, FARM }), { version: '1.1' });
      expect(metadata.labels).toEqual({ 'helios-farm': FARM });
      expect(spec.template.metadata.labels).toEqual({ 'helios-farm': FARM });
    }
  }
});

test('a manifest asks for nothing that the deployment does not give', async () => {
  const { BUCKET: _, ...others } = values;
  await expect(readManifest('job.yaml', others)).rejects.toMatchObject({
    name: 'DeployError',
    message: expect.stringContaining('BUCKET'),
  });
  const build = buildManifestSchema.parse(
    parse(await readFile(path.join(manifestFolder(), 'cloudbuild.yaml'), 'utf8')),
  );
  expect(build.steps[0]?.args).toContain('cloud-run/Dockerfile');
});

test('an environment that makes no sense is told by its variables', () => {
  expect(() => readSettings({ PORT: 'x', HELIOS_TIMEOUT_SECONDS: '4000' })).toThrow(
    /PORT: .*HELIOS_TIMEOUT_SECONDS: /,
  );
  expect(() => readJobSettings({})).toThrow(/HELIOS_RENDER: .*HELIOS_SERVICE_URL: /);
});

test('the Dockerfile keeps the rules that are checked here, and takes in what is built', async () => {
  const text = await readFile(path.join(manifestFolder(), 'Dockerfile'), 'utf8');
  expect(lintDockerfile(text)).toEqual([]);
  expect(copiedSources(text).sort()).toEqual(
    [
      ...['chromium', 'ffmpeg', 'fonts'].map((layer) => `dist/layers/${layer}/`),
      ...PROGRAMS.map((program) => `dist/image/${program}/`),
    ].sort(),
  );
});

test.each([
  ['FROM node:latest AS a\nFROM node:24.1.0\nUSER 1', /whole version/],
  ['FROM node AS a\nFROM node:24.1.0\nUSER 1', /whole version/],
  ['FROM node:24.1.0\nUSER 1', /one stage/],
  ['FROM node:24.1.0 AS a\nFROM node:24.1.0\nCOPY a b', /not root/],
  ['FROM node:24.1.0 AS a\nFROM node:24.1.0\nUSER 1\nCOPY a b', /COPY and RUN come before USER/],
  ['FROM node:24.1.0 AS a\nFROM node:24.1.0\nADD x y\nUSER 1', /ADD/],
  ['FROM node:24.1.0 AS a\nFROM node:24.1.0\nCOPY . /app\nUSER 1', /COPY \./],
  [
    'FROM node:24.1.0 AS a\nFROM node:24.1.0\nRUN apt-get update && apt-get install -y x\nUSER 1',
    /lists of apt/,
  ],
  ['FROM node:24.1.0 AS a\nFROM node:24.1.0\nCMD node x\nUSER 1', /needs the form/],
  ['FROM node:24.1.0 AS a\nFROM node:24.1.0\nCOPY x y\nCOPY --from=a x y\nUSER 1', /copied first/],
])('the lint finds what is wrong in %j', (text, fault) => {
  expect(lintDockerfile(text).join('\n')).toMatch(fault);
});
