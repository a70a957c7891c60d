import type { FrameJob } from '../types/frame-job.ts';
import { canonicalJson, sha256 } from '../utils/digest.ts';

/**
 * Digest of all that decides a segment's pixels. A page behind an address may change at any time, so its
 * segments are named by the job as well. What follows a segment is no part of it: in a longer video it is the same.
 */
export function segmentKey(job: Omit<FrameJob, 'segmentKey'>): string {
  const { jobId, composition, range, encoding, page, workerVersion } = job;
  const { durationInFrames: _, ...shown } = composition;
  const { audioCodec: _audioCodec, audioBitrate: _audioBitrate, muted: _muted, ...video } = encoding;
  const { seekMode, capture, onAssetError } = page;
  return sha256(
    canonicalJson({
      composition: shown,
      range,
      video,
      page: { seekMode, capture, onAssetError },
      workerVersion,
      ...(composition.ref.kind === 'url' ? { jobId } : {}),
    }),
  );
}
