import { rawFormatOf } from '../types/codecs.ts';
import type { FrameJob } from '../types/frame-job.ts';
import { screenshotOf } from '../types/screenshot.ts';
import { type Capture, ScreenshotCapture } from './capture.ts';
import { FramebufferCapture } from './framebuffer-capture.ts';
import type { PageSession } from './page-session.ts';

/**
 * How the pictures of a page are taken: from the browser's memory if the session has found it.
 * @param stallMs how long one picture may take
 */
export function openCapture(
  session: PageSession,
  scene: Pick<FrameJob, 'composition' | 'encoding'>,
  stallMs: number,
): Capture {
  const screenshots = new ScreenshotCapture(session, screenshotOf(scene.encoding), stallMs);
  const raw = rawFormatOf(scene);
  return session.framebuffer && raw
    ? new FramebufferCapture(session, session.framebuffer, raw, screenshots)
    : screenshots;
}
