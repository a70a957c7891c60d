/**
 * Turns web pages into videos. `renderLocally` is all that most programs need; `JobOrchestrator` drives a job
 * over any `CloudAdapter`; `Handlers` are the functions of the cloud, to be run in one's own tests.
 * @module
 */
export { LocalAdapter, type LocalAdapterOptions } from './adapters/local-adapter.ts';
export { Handlers, type PlanSummary } from './orchestrator/handlers.ts';
export { JobOrchestrator, type RunOptions, referenceTo } from './orchestrator/job-orchestrator.ts';
export type { OnProgress } from './orchestrator/progress.ts';
export { type RenderLocallyOptions, renderLocally } from './orchestrator/render-locally.ts';
export { LocalStore } from './storage/local-store.ts';
export type { ObjectBody, ObjectInfo, ObjectStore, PutOptions } from './storage/object-store.ts';
export { openStore } from './storage/open-store.ts';
export { S3Store, type S3Timing } from './storage/s3-store.ts';
export * from './types/index.ts';
export * from './utils/errors.ts';
export { ChromiumFrameWorker } from './worker/chromium-frame-worker.ts';
