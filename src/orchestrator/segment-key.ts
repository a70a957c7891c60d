import type { FrameJob } from '../types/frame-job.ts';
import type { FrameRange } from '../types/render-job.ts';
import { canonicalJson, sha256 } from '../utils/digest.ts';

/**
 * Digest of all that decides the pixels of a job's frames, whatever their range. A page behind an address may
 * change at any time, so its segments are named by the job as well. What follows a segment is no part of it: in a longer video it is the same.
 * @param run names a run that is to find nothing of any other
 */
export function contentDigest(
  job: Omit<FrameJob, 'segmentKey' | 'range' | 'index' | 'lookAhead' | 'lookBack'>,
  run: string | undefined = undefined,
): string {
  const { jobId, composition, encoding, page, workerVersion } = job;
  const { durationInFrames: _, ...shown } = composition;
  const { audioCodec: _audioCodec, audioBitrate: _audioBitrate, muted: _muted, ...video } = encoding;
  const { seekMode, capture, onAssetError, allowHosts } = page;
  return sha256(
    canonicalJson({
      composition: shown,
      video,
      page: { seekMode, capture, onAssetError, allowHosts },
      workerVersion,
      ...(composition.ref.kind === 'url' ? { jobId } : {}),
      ...(run === undefined ? {} : { run }),
    }),
  );
}

/** A segment's name: its content and its frames. All segments of a content lie below one prefix of the store. */
export function segmentKey(content: string, [start, end]: FrameRange): string {
  return `${content}/${start}-${end}`;
}
