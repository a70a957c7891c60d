import { isRaw, type PictureFormat } from './picture.ts';

// Element ids: RFC 9559 (Matroska), RFC 8794 (EBML)
const ID = {
  ebml: 0x1a45dfa3,
  docType: 0x4282,
  docTypeVersion: 0x4287,
  docTypeReadVersion: 0x4285,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackUid: 0x73c5,
  trackType: 0x83,
  defaultDuration: 0x23e383,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  uncompressedFourcc: 0x2eb524,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
} as const;

const UNKNOWN_SIZE = Buffer.from('01ffffffffffffff', 'hex');
const NANOSECONDS_A_TICK = 1000;

function idBytes(id: number): Buffer {
  const hex = id.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
}

function sizeBytes(size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(size) | (1n << 56n));
  return bytes;
}

function element(id: number, ...content: Buffer[]): Buffer {
  const size = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([idBytes(id), sizeBytes(size), ...content]);
}

function unsigned(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

const text = (value: string): Buffer => Buffer.from(value, 'ascii');

/** BITMAPINFOHEADER, by which Matroska names codecs that it has no id for. */
function bitmapInfo(fourcc: string, width: number, height: number): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32LE(40, 0);
  header.writeInt32LE(width, 4);
  header.writeInt32LE(height, 8);
  header.writeUInt16LE(1, 12);
  header.writeUInt16LE(32, 14);
  header.write(fourcc, 16, 'ascii');
  return header;
}

export interface PictureStream {
  readonly format: PictureFormat;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** How long a picture shows, unless the next one says otherwise. */
  readonly frameMicroseconds: number;
}

/** What names the codec of a track. */
function codecElements({ format, width, height }: PictureStream): Buffer[] {
  switch (format) {
    case 'jpeg':
      return [element(ID.codecId, text('V_MJPEG'))];
    case 'png':
      return [
        element(ID.codecId, text('V_MS/VFW/FOURCC')),
        element(ID.codecPrivate, bitmapInfo('MPNG', width, height)),
      ];
    default:
      return [element(ID.codecId, text('V_UNCOMPRESSED'))];
  }
}

/** The beginning of a Matroska stream of pictures; clusters may follow without end. */
export function matroskaHeader(stream: PictureStream): Buffer {
  const { format, width, height, frameMicroseconds } = stream;
  return Buffer.concat([
    element(
      ID.ebml,
      element(ID.docType, text('matroska')),
      element(ID.docTypeVersion, unsigned(4)),
      element(ID.docTypeReadVersion, unsigned(2)),
    ),
    idBytes(ID.segment),
    UNKNOWN_SIZE,
    element(
      ID.info,
      element(ID.timestampScale, unsigned(NANOSECONDS_A_TICK)),
      element(ID.muxingApp, text('helios-infra')),
      element(ID.writingApp, text('helios-infra')),
    ),
    element(
      ID.tracks,
      element(
        ID.trackEntry,
        element(ID.trackNumber, unsigned(1)),
        element(ID.trackUid, unsigned(1)),
        element(ID.trackType, unsigned(1)),
        element(ID.defaultDuration, unsigned(Math.round(frameMicroseconds * 1000))),
        ...codecElements(stream),
        element(
          ID.video,
          element(ID.pixelWidth, unsigned(width)),
          element(ID.pixelHeight, unsigned(height)),
          ...(isRaw(format) ? [element(ID.uncompressedFourcc, text(format.toUpperCase()))] : []),
        ),
      ),
    ),
  ]);
}

/** One picture as a cluster of its own, without the picture's bytes, which follow. @param microseconds its time */
export function matroskaPictureHead(microseconds: number, bytes: number): Buffer {
  const timestamp = element(ID.timestamp, unsigned(microseconds));
  const blockHead = Buffer.from([0x81, 0, 0, 0x80]);
  const block = Buffer.concat([idBytes(ID.simpleBlock), sizeBytes(blockHead.length + bytes), blockHead]);
  const size = timestamp.length + block.length + bytes;
  return Buffer.concat([idBytes(ID.cluster), sizeBytes(size), timestamp, block]);
}
