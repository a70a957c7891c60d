export * from './audio.ts';
export * from './composition.ts';
export type * from './contracts.ts';
export * from './encoding.ts';
export * from './fps.ts';
export * from './frame-job.ts';
export * from './plan.ts';
export * from './render-job.ts';
export * from './render-result.ts';
