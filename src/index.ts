/**
 * Turns web pages into videos. `renderLocally` is all that most programs need; `JobOrchestrator` drives a job
 * over any `CloudAdapter`; `FarmClient` renders on a farm in AWS, `GcpFarmClient` on one in Google Cloud; `Handlers` are the functions of the cloud, to be run in one's own tests.
 * @module
 */
export { checkFrameResult } from './adapters/check-frame-result.ts';
export { CloudRunAdapter, type CloudRunAdapterOptions } from './adapters/cloud-run-adapter.ts';
export { DEFAULT_FARM, farmStore, findFarm } from './adapters/farm.ts';
export {
  FarmClient,
  type RenderCost,
  type StartedRender,
  type StartOptions,
  type WaitOptions,
} from './adapters/farm-client.ts';
export { findGcpFarm } from './adapters/gcp-farm.ts';
export { GcpFarmClient } from './adapters/gcp-farm-client.ts';
export type { IdTokenSource } from './adapters/id-token.ts';
export { LambdaAdapter, type LambdaAdapterOptions } from './adapters/lambda-adapter.ts';
export { LocalAdapter, type LocalAdapterOptions } from './adapters/local-adapter.ts';
export { RemoteCalls, type RemoteCallsOptions } from './adapters/remote-calls.ts';
export type { RenderClient } from './adapters/render-client.ts';
export { type Cost, costOf, type FarmUse, type PriceTable, prices } from './orchestrator/cost.ts';
export { type EstimateAssumptions, estimateCost, type FarmEstimate } from './orchestrator/estimate.ts';
export type { HandlerContext } from './orchestrator/handler-context.ts';
export type { PlanSummary, SegmentSummary } from './orchestrator/handler-events.ts';
export { Handlers, type HandlersOptions } from './orchestrator/handlers.ts';
export { JobOrchestrator, type RunOptions, referenceTo } from './orchestrator/job-orchestrator.ts';
export type { OnProgress } from './orchestrator/progress.ts';
export { type RenderLocallyOptions, renderLocally } from './orchestrator/render-locally.ts';
export {
  type DifferentFrame,
  type Verification,
  type VerifyOptions,
  verifyRender,
} from './orchestrator/verify.ts';
export { GcsStore, type GcsTiming } from './storage/gcs-store.ts';
export { LocalStore } from './storage/local-store.ts';
export type { ObjectBody, ObjectInfo, ObjectStore, PutOptions } from './storage/object-store.ts';
export { openStore } from './storage/open-store.ts';
export { S3Store, type S3Timing } from './storage/s3-store.ts';
export * from './types/index.ts';
export * from './utils/errors.ts';
export { reviveError } from './utils/revive-error.ts';
export { ChromiumFrameWorker } from './worker/chromium-frame-worker.ts';
