import { z } from 'zod';

/** The fields of Cloud Run's manifests that ours use: what else stands there is a slip. */
const name = z.string().regex(/^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$/);
const text = z.string().min(1);
const metadata = z.strictObject({
  labels: z.record(text, text).optional(),
  annotations: z
    .strictObject({
      'run.googleapis.com/ingress': z.enum(['all', 'internal', 'internal-and-cloud-load-balancing']),
      'autoscaling.knative.dev/minScale': z.string().regex(/^\d+$/),
      'autoscaling.knative.dev/maxScale': z.string().regex(/^[1-9]\d*$/),
      'run.googleapis.com/execution-environment': z.enum(['gen1', 'gen2']),
      'run.googleapis.com/startup-cpu-boost': z.enum(['true', 'false']),
    })
    .partial()
    .optional(),
});
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string().startsWith('/'), port: z.int() }),
  periodSeconds: z.int().min(1).max(240),
  timeoutSeconds: z.int().min(1).max(240),
  failureThreshold: z.int().min(1),
});
const container = z.strictObject({
  image: z
    .string()
    .regex(/^[a-z0-9-]+-docker\.pkg\.dev\/[^:]+:\d+\.\d+\.\d+$/, 'must have a version as its tag'),
  args: z.array(text).optional(),
  ports: z
    .array(z.strictObject({ name: z.enum(['http1', 'h2c']), containerPort: z.int().min(1) }))
    .length(1)
    .optional(),
  env: z.array(z.strictObject({ name: z.string().regex(/^[A-Z][A-Z0-9_]*$/), value: text })),
  resources: z.strictObject({
    limits: z.strictObject({ cpu: z.enum(['1', '2', '4', '6', '8']), memory: z.string().regex(/^\d+Gi$/) }),
  }),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  volumeMounts: z.array(z.strictObject({ name: text, mountPath: z.string().startsWith('/') })),
});
const volumes = z.array(
  z.strictObject({
    name: text,
    emptyDir: z.strictObject({ medium: z.literal('Memory'), sizeLimit: z.string().regex(/^\d+Gi$/) }),
  }),
);
const serviceAccountName = z.email();

export const serviceManifestSchema = z.strictObject({
  apiVersion: z.literal('serving.knative.dev/v1'),
  kind: z.literal('Service'),
  metadata: metadata.extend({ name }),
  spec: z.strictObject({
    template: z.strictObject({
      metadata,
      spec: z.strictObject({
        serviceAccountName,
        containerConcurrency: z.int().min(1).max(1000),
        timeoutSeconds: z.int().min(1).max(3600),
        containers: z.array(container).length(1),
        volumes,
      }),
    }),
    traffic: z.array(z.strictObject({ percent: z.literal(100), latestRevision: z.literal(true) })).length(1),
  }),
});

export const jobManifestSchema = z.strictObject({
  apiVersion: z.literal('run.googleapis.com/v1'),
  kind: z.literal('Job'),
  metadata: metadata.extend({ name }),
  spec: z.strictObject({
    template: z.strictObject({
      metadata,
      spec: z.strictObject({
        taskCount: z.literal(1),
        parallelism: z.literal(1),
        template: z.strictObject({
          spec: z.strictObject({
            serviceAccountName,
            maxRetries: z.int().min(0).max(10),
            timeoutSeconds: z.string().regex(/^\d+$/),
            containers: z.array(container).length(1),
            volumes,
          }),
        }),
      }),
    }),
  }),
});

export const buildManifestSchema = z.strictObject({
  steps: z
    .array(z.strictObject({ name: z.string().startsWith('gcr.io/cloud-builders/'), args: z.array(text) }))
    .min(1),
  images: z.array(text).length(1),
  options: z.strictObject({ logging: z.literal('CLOUD_LOGGING_ONLY') }),
  timeout: z.string().regex(/^\d+s$/),
});
