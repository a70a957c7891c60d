import { z } from 'zod';

export const videoCodecs = ['h264', 'h265', 'vp8', 'vp9', 'prores', 'gif', 'png', 'jpeg'] as const;
export const audioCodecs = ['aac', 'opus', 'mp3', 'wav', 'none'] as const;
export const videoCodecSchema = z.enum(videoCodecs);
export const audioCodecSchema = z.enum(audioCodecs);
export type VideoCodec = z.output<typeof videoCodecSchema>;
export type AudioCodec = z.output<typeof audioCodecSchema>;

const bitrateSchema = z.string().regex(/^\d+(\.\d+)?[kM]?$/, 'must be bits a second, such as "8M" or "192k"');

/** How the video and its sound are encoded. */
export const encodingSchema = z.strictObject({
  /** `png` and `jpeg` are image sequences. @default "h264" */
  codec: videoCodecSchema.default('h264'),
  /** Constant quality, lower is better: 0–51 for h264 and h265, 0–63 for vp8 and vp9. @default 20, 24, 10, 30 in that order */
  crf: z.int().min(0).max(63).optional(),
  /** Bits a second instead of constant quality. */
  bitrate: bitrateSchema.optional(),
  /** x264 and x265 only. @default for x264 the quick setting of docs/performance.md, for x265 "veryfast" */
  preset: z
    .enum(['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow'])
    .optional(),
  /** FFmpeg's name of a pixel format. @default the codec's most widely played one */
  pixelFormat: z
    .enum([
      'yuv420p',
      'yuv422p',
      'yuv444p',
      'yuv420p10le',
      'yuv422p10le',
      'yuv444p10le',
      'yuva420p',
      'yuva444p10le',
      'rgb24',
      'rgba',
      'yuvj420p',
      'yuvj444p',
    ])
    .optional(),
  /** Frames between two key frames at the most. @default two seconds' worth */
  keyframeInterval: z.int().min(1).max(3000).optional(),
  /** Output pixels a CSS pixel, 0.1 to 4; 0.5 to 4 for png, jpeg and gif. @default 1 */
  scale: z.number().min(0.1).max(4).default(1),
  /** Renders each n-th frame only; the output's frame rate is divided by n. @default 1 */
  everyNthFrame: z.int().min(1).max(240).default(1),
  /** Keeps the page's transparency (vp8, vp9, prores, png, gif). @default false */
  transparent: z.boolean().default(false),
  /** JPEG quality of a `jpeg` sequence, 1 to 100. @default 90 */
  jpegQuality: z.int().min(1).max(100).optional(),
  /** @default the container's usual one: aac in mp4, opus in webm, wav (PCM) in mov, none in gif and sequences */
  audioCodec: audioCodecSchema.optional(),
  /** @default "320k" for aac, "192k" for opus and mp3 */
  audioBitrate: bitrateSchema.optional(),
  /** Leaves the sound out. @default false */
  muted: z.boolean().default(false),
});
export type Encoding = z.output<typeof encodingSchema>;
