import type { z } from 'zod';

/** What an error carries beside its message: plain values that survive JSON. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

interface HeliosErrorOptions {
  readonly cause?: unknown;
  readonly details?: ErrorDetails;
}

/**
 * Base of every error that a user can act on. `name` is stable, and is what Step Functions matches; the
 * message says what happened and what to do; `details` holds the data (frame, range, url, seconds).
 */
export class HeliosError extends Error {
  /** Whether the same call may succeed when it is made again. */
  readonly retryable: boolean = false;
  readonly details: ErrorDetails;

  constructor(message: string, options: HeliosErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.details = options.details ?? {};
  }

  toJSON(): { name: string; message: string; retryable: boolean; details: ErrorDetails } {
    return { name: this.name, message: this.message, retryable: this.retryable, details: this.details };
  }
}

/** An input that breaks its schema; `details.issues` has a path and a message for each fault. */
export class ValidationError extends HeliosError {
  /** @param subject what was checked, such as `render job` */
  static fromZod(subject: string, error: z.ZodError): ValidationError {
    const issues = error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
    const lines = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    // A class that names itself in its body gets another name in a bundle.
    return new this(`The ${subject} is not valid: ${lines.join('; ')}`, { details: { issues } });
  }
}

/** A composition's folder, file or address that can't be read. */
export class CompositionNotFoundError extends HeliosError {}
/** The page's script threw, or the page could not be loaded. */
export class CompositionLoadError extends HeliosError {}
/** Size, frame rate or duration of the composition are neither in the job nor in the page, or make no sense. */
export class CompositionMetadataError extends HeliosError {}
/** Something the frame needs (script, font, image, media) could not be loaded. */
export class AssetError extends HeliosError {}
/** The page asked for an address that a composition may not reach; `details.url` is it. */
export class BlockedRequestError extends HeliosError {}
/** The page took more memory, threads or data than a page may; `details.limit` says of which. */
export class PageLimitError extends HeliosError {}
/** The page's script threw while a frame was drawn. */
export class PageScriptError extends HeliosError {}
/** A wait for the page, a font, an image or media came to its end; `details.waitingFor` says for what. */
export class FrameTimeoutError extends HeliosError {}
/** The page asked for WebGL and did not get it. */
export class WebGLError extends HeliosError {}
/** Frames outside the composition were asked for. */
export class FrameRangeError extends HeliosError {}
/** The job was cancelled by its signal. */
export class AbortedError extends HeliosError {}
/** The worker's version is not the one that the job was planned for, or Node.js is too old. */
export class VersionMismatchError extends HeliosError {}
/** A program or file of the kit (Chromium, FFmpeg, fonts) is missing or does not start. */
export class KitError extends HeliosError {}
/** A function and its layers are more than Lambda takes. */
export class LayersTooLargeError extends HeliosError {}
/** The output can't be written where the job says. */
export class OutputError extends HeliosError {}
/** Another render is writing the same output. */
export class OutputBusyError extends HeliosError {}
/** No space is left on a disk. */
export class DiskFullError extends HeliosError {}
/** Segments that don't make up the video: one missing, a wrong count, an uneven step. */
export class StitchError extends HeliosError {}
/** A frame that looks otherwise at the end of one segment than at the start of the next. */
export class SeamMismatchError extends HeliosError {}
/** Frames that look otherwise than when they were rendered; `details.frames` has each. */
export class VerificationError extends HeliosError {}
/** Segments that the store had and lost, or that are not what was put there; they can be rendered again. */
export class SegmentDamagedError extends StitchError {
  /** @param jobs the frame jobs of the segments */
  static of(
    jobs: readonly { readonly index: number; readonly range: readonly [number, number] }[],
    store: string,
  ): SegmentDamagedError {
    const ranges = jobs.map(({ range: [start, end] }) => `${start}–${end - 1}`);
    const told = ranges.slice(0, 10).join(', ') + (ranges.length > 10 ? ', …' : '');
    return new this(
      `${jobs.length === 1 ? 'A segment is' : `${jobs.length} segments are`} gone from the store, or damaged in it: frames ${told} (${store}). Render again: what is sound is found.`,
      { details: { segments: jobs.map(({ index }) => index), store } },
    );
  }
}
/** A sound that can't be read or decoded. */
export class AudioError extends HeliosError {}
/** An object that is not in the store. */
export class NotFoundError extends HeliosError {}
/** The store's address is wrong: no such bucket, a bucket of another region, no region, or not an address. */
export class StoreAddressError extends HeliosError {}
/** The store refuses the request: a permission is missing; `details.permission` names it. */
export class AccessDeniedError extends HeliosError {}
/** Credentials that are absent, expired or not known. */
export class CredentialsError extends HeliosError {}
/** No farm of that name in the region that was looked at. */
export class FarmNotFoundError extends HeliosError {}
/** No region is set, or AWS has none of that name. */
export class RegionError extends HeliosError {}
/** A region of AWS that the account has not enabled. */
export class RegionDisabledError extends HeliosError {}
/** A farm or a store knows no render of that id. */
export class RenderNotFoundError extends HeliosError {}
/** A farm could not be deployed or taken down. */
export class DeployError extends HeliosError {}
/** A render that would go beyond its budget, or came to its end; `details` has the field, the limit, and the estimate or what was spent. */
export class BudgetError extends HeliosError {}
/** A function failed with an error that is none of ours; `details.errorType` names it. */
export class RemoteError extends HeliosError {}
/** A key or path that leaves its place. */
export class UnsafePathError extends HeliosError {}

/** Chromium ended or stopped answering. */
export class BrowserCrashedError extends HeliosError {
  override readonly retryable: boolean = true;
}
/** A browser that runs but gives no picture; another capture mode may get one. */
export class CaptureStalledError extends HeliosError {
  override readonly retryable: boolean = true;
}
/** A way to take pictures was asked for that is not there on this machine, or not for this encoding. */
export class CaptureUnavailableError extends HeliosError {}
/** FFmpeg ended with an error, or was killed. */
export class EncoderError extends HeliosError {
  override readonly retryable: boolean = true;
}
/** The store did not answer as it should; the same request may succeed later. */
export class StorageError extends HeliosError {
  override readonly retryable: boolean = true;
}
/** A file of a composition, or its manifest, that has other bytes in the store than its name says; `details.key` is it. */
export class BlobDamagedError extends StorageError {}
/** A service of the cloud did not answer as it should; the same request may succeed later. */
export class CloudServiceError extends HeliosError {
  override readonly retryable: boolean = true;
}
/** A service of the cloud takes no more requests for now. */
export class ThrottledError extends HeliosError {
  override readonly retryable: boolean = true;
}
/** A function ended without an answer: it crashed, ran out of memory, or was cut off at its timeout. */
export class FunctionCrashedError extends HeliosError {
  override readonly retryable: boolean = true;
}
/** A worker that saw its remaining time end before its work; `details` hold how far it came. */
export class OutOfTimeError extends HeliosError {
  override readonly retryable: boolean = true;
}

/** Names of the errors after which the same call may succeed, as Step Functions matches them. */
export function retryableErrorNames(): string[] {
  const retryable = [
    BlobDamagedError,
    BrowserCrashedError,
    CaptureStalledError,
    CloudServiceError,
    EncoderError,
    FunctionCrashedError,
    OutOfTimeError,
    StorageError,
    ThrottledError,
  ];
  return retryable.map(({ name }) => name);
}
