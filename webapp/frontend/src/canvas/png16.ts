/**
 * Reads greyscale PNGs of 16 bits a pixel (PNG specification, third edition, sections 5, 9 and 11): a browser's own
 * decoder keeps 8 of them. No palettes, no interlacing: our server writes neither.
 */

export interface Samples {
  readonly width: number;
  readonly height: number;
  readonly values: Uint16Array;
}

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const BYTES_PER_PIXEL = 2;

export class PngError extends Error {
  override name = "PngError";
}

export async function readPng16(bytes: Uint8Array<ArrayBuffer>): Promise<Samples> {
  if (SIGNATURE.some((byte, at) => bytes[at] !== byte)) throw new PngError("not a PNG");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  if (bytes[24] !== 16 || bytes[25] !== 0 || bytes[28] !== 0)
    throw new PngError("expected 16-bit greyscale without interlacing");
  const raw = await inflated(pixelChunks(bytes, view));
  const stride = width * BYTES_PER_PIXEL;
  if (raw.length !== height * (stride + 1)) throw new PngError("cut off");
  return { width, height, values: unfiltered(raw, width, height) };
}

function pixelChunks(bytes: Uint8Array<ArrayBuffer>, view: DataView): Uint8Array<ArrayBuffer>[] {
  const found: Uint8Array<ArrayBuffer>[] = [];
  for (let at = SIGNATURE.length; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (name === "IDAT") found.push(bytes.subarray(at + 8, at + 8 + length));
    at += length + 12; // length, name and checksum
  }
  return found;
}

async function inflated(chunks: readonly Uint8Array<ArrayBuffer>[]): Promise<Uint8Array> {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  const written = (async () => {
    for (const chunk of chunks) await writer.write(chunk);
    await writer.close();
  })();
  const parts: Uint8Array[] = [];
  const reader = stream.readable.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) parts.push(next.value);
  await written;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Take the filters back row by row, in place, and read what is left as big-endian numbers. */
function unfiltered(raw: Uint8Array, width: number, height: number): Uint16Array {
  const stride = width * BYTES_PER_PIXEL;
  const out = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = y * (stride + 1) + 1;
    unfilterRow(raw, row, y === 0 ? -1 : row - stride - 1, stride, raw[row - 1] ?? 0);
    for (let x = 0; x < width; x++)
      out[y * width + x] = ((raw[row + 2 * x] as number) << 8) | (raw[row + 2 * x + 1] as number);
  }
  return out;
}

function unfilterRow(raw: Uint8Array, row: number, above: number, stride: number, filter: number): void {
  if (filter === 0) return;
  for (let i = 0; i < stride; i++) {
    const left = i >= BYTES_PER_PIXEL ? (raw[row + i - BYTES_PER_PIXEL] as number) : 0;
    const up = above >= 0 ? (raw[above + i] as number) : 0;
    const corner = above >= 0 && i >= BYTES_PER_PIXEL ? (raw[above + i - BYTES_PER_PIXEL] as number) : 0;
    raw[row + i] = (raw[row + i] as number) + predicted(filter, left, up, corner);
  }
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const p = left + up - corner;
      const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
      return a <= b && a <= c ? left : b <= c ? up : corner;
    }
    default:
      throw new PngError(`unknown filter ${filter}`);
  }
}
