import { ffprobePath, runTool } from './tools.ts';

/** A stream as ffprobe tells it: numbers it writes as text stay text. */
export interface StreamInfo {
  readonly index: number;
  readonly codec_type: 'video' | 'audio' | 'subtitle' | 'data' | 'attachment';
  readonly codec_name?: string;
  readonly codec_tag_string?: string;
  readonly profile?: string;
  /** Pixels. */
  readonly width?: number;
  readonly height?: number;
  readonly pix_fmt?: string;
  readonly color_range?: string;
  readonly color_space?: string;
  readonly color_primaries?: string;
  readonly color_transfer?: string;
  /** Frames a second as a fraction, such as `"30000/1001"`. */
  readonly r_frame_rate: string;
  readonly avg_frame_rate: string;
  /** Seconds a tick as a fraction, such as `"1/15360"`. */
  readonly time_base: string;
  /** Ticks. */
  readonly start_pts?: number;
  readonly duration_ts?: number;
  /** Seconds. */
  readonly start_time?: string;
  readonly duration?: string;
  readonly nb_frames?: string;
  readonly has_b_frames?: number;
  readonly bit_rate?: string;
  /** Hertz. */
  readonly sample_rate?: string;
  readonly channels?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface FormatInfo {
  readonly format_name: string;
  readonly nb_streams: number;
  /** Seconds. */
  readonly start_time?: string;
  readonly duration?: string;
  /** Bytes. */
  readonly size?: string;
  readonly bit_rate?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface MediaInfo {
  readonly streams: readonly StreamInfo[];
  readonly format: FormatInfo;
}

/** The streams and the container of a media file. */
export async function probe(file: string): Promise<MediaInfo> {
  return ffprobe<MediaInfo>(['-show_streams', '-show_format', file]);
}

/** One packet of the first video stream, in ticks of the time base. */
export interface PacketTime {
  readonly pts: number;
  readonly dts: number;
  readonly duration: number;
  readonly key: boolean;
}

export interface PacketTimes {
  /** Seconds a tick: num / den. */
  readonly timeBase: { readonly num: number; readonly den: number };
  /** In the order of showing (pts), which is not the order of the file when there are B-frames. */
  readonly packets: readonly PacketTime[];
}

interface RawPackets {
  readonly streams: readonly { readonly time_base: string }[];
  readonly packets: readonly { pts?: number; dts?: number; duration?: number; flags?: string }[];
}

/** When each packet of the first video stream is shown, and for how long. */
export async function packetTimes(file: string): Promise<PacketTimes> {
  const entries = 'packet=pts,dts,duration,flags:stream=time_base';
  const raw = await ffprobe<RawPackets>(['-select_streams', 'v:0', '-show_entries', entries, file]);
  const [num, den] = (raw.streams[0]?.time_base ?? '').split('/').map(Number);
  if (!num || !den) throw new Error(`${file} has no video stream`);
  const packets = raw.packets.map(({ pts, dts, duration, flags }, index) => {
    if (pts === undefined) throw new Error(`${file}: packet ${index} has no pts`);
    return { pts, dts: dts ?? pts, duration: duration ?? 0, key: flags?.startsWith('K') ?? false };
  });
  return { timeBase: { num, den }, packets: packets.sort((a, b) => a.pts - b.pts) };
}

async function ffprobe<T>(args: readonly string[]): Promise<T> {
  const output = await runTool(ffprobePath, ['-v', 'error', '-of', 'json', ...args]);
  return JSON.parse(output.toString()) as T;
}
