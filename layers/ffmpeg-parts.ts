/**
 * The parts of FFmpeg that the project uses: src/worker/encoder-args.ts, src/stitcher and src/utils name them, and
 * what FFmpeg inserts by itself (aresample, scale, null and such). Names may hold `*`, as configure's do.
 */
export const FFMPEG_PARTS = {
  protocol: ['file', 'pipe'],
  encoder: [
    ...['libx264', 'libx265', 'libvpx_vp8', 'libvpx_vp9', 'prores_ks', 'gif', 'png', 'mjpeg', 'rawvideo'],
    ...['aac', 'libopus', 'libmp3lame', 'pcm_s16le', 'pcm_f32le', 'wrapped_avframe'],
  ],
  muxer: [
    ...['mp4', 'mov', 'matroska', 'webm', 'gif', 'image2', 'wav', 'mp3', 'ffmetadata', 'framecrc', 'null'],
    ...['pcm_f32le', 'pcm_s16le', 'rawvideo'],
  ],
  demuxer: [
    ...[
      'matroska',
      'mov',
      'concat',
      'image2',
      'image2pipe',
      'image_png_pipe',
      'image_jpeg_pipe',
      'gif',
      'ffmetadata',
      'rawvideo',
    ],
    ...[
      'aac',
      'ac3',
      'eac3',
      'aiff',
      'amr',
      'ape',
      'asf',
      'au',
      'avi',
      'caf',
      'flac',
      'flv',
      'mp3',
      'mpegps',
    ],
    ...['mpegts', 'ogg', 'pcm_*', 'tta', 'w64', 'wav', 'wv'],
  ],
  decoder: [
    ...['h264', 'hevc', 'vp8', 'vp9', 'prores', 'png', 'mjpeg', 'gif', 'rawvideo', 'mpeg4', 'mpeg2video'],
    ...['aac', 'aac_latm', 'ac3', 'eac3', 'alac', 'amrnb', 'amrwb', 'ape', 'dca', 'flac', 'mp1*', 'mp2*'],
    ...['mp3*', 'opus', 'vorbis', 'tta', 'wavpack', 'wmav1', 'wmav2', 'wmapro', 'adpcm_*', 'pcm_*'],
  ],
  parser: [
    ...['h264', 'hevc', 'vp8', 'vp9', 'png', 'mjpeg', 'gif', 'mpeg4video', 'mpegvideo', 'aac', 'aac_latm'],
    ...['ac3', 'dca', 'flac', 'mpegaudio', 'opus', 'vorbis', 'amr'],
  ],
  bsf: [
    ...['aac_adtstoasc', 'extract_extradata', 'h264_mp4toannexb', 'hevc_mp4toannexb', 'vp9_superframe'],
    ...['vp9_superframe_split', 'null'],
  ],
  filter: [
    ...['scale', 'format', 'fps', 'setpts', 'palettegen', 'paletteuse', 'null', 'trim', 'setsar', 'split'],
    ...['aresample', 'aformat', 'pan', 'atempo', 'asetpts', 'anull', 'atrim', 'volume', 'alphaextract'],
  ],
} as const;

/** What the finished program must list, by the option that lists it. */
export const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  '-encoders': [
    ...['libx264', 'libx265', 'libvpx', 'libvpx-vp9', 'prores_ks', 'gif', 'png', 'mjpeg', 'aac', 'libopus'],
    ...['libmp3lame', 'pcm_s16le', 'pcm_f32le'],
  ],
  '-decoders': [
    ...[
      'h264',
      'hevc',
      'vp8',
      'vp9',
      'prores',
      'png',
      'mjpeg',
      'gif',
      'aac',
      'mp3',
      'opus',
      'vorbis',
      'flac',
    ],
    ...['alac', 'ac3', 'pcm_s16le', 'pcm_s24le', 'pcm_f32le'],
  ],
  '-muxers': [
    'mp4',
    'mov',
    'matroska',
    'webm',
    'gif',
    'image2',
    'wav',
    'mp3',
    'ffmetadata',
    'framecrc',
    'f32le',
  ],
  '-demuxers': [
    'matroska,webm',
    'concat',
    'mov,mp4,m4a,3gp,3g2,mj2',
    'wav',
    'mp3',
    'aac',
    'flac',
    'ogg',
    'f32le',
  ],
  '-filters': [
    ...['scale', 'format', 'fps', 'setpts', 'palettegen', 'paletteuse', 'aresample', 'aformat', 'pan'],
    'atempo',
  ],
};
