// @ts-check

/** @typedef {{dtype: "f8"|"f4"|"i4"|"u4"|"u2"|"i2"|"u1", shape: number[], shuffled: boolean, data: string}} Block */

const ARRAYS = {
  f8: Float64Array, f4: Float32Array, i4: Int32Array, u4: Uint32Array, u2: Uint16Array, i2: Int16Array, u1: Uint8Array,
};

/**
 * Numbers of a block in C order.
 * @param {Block} block
 */
export async function decodeBlock(block) {
  const packed = Uint8Array.from(atob(block.data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const kind = ARRAYS[block.dtype];
  const width = kind.BYTES_PER_ELEMENT;
  if (!block.shuffled) return new kind(bytes.buffer);
  const n = bytes.length / width;
  const ordered = new Uint8Array(bytes.length);
  for (let plane = 0; plane < width; plane++) {
    for (let i = 0; i < n; i++) ordered[i * width + plane] = bytes[plane * n + i];
  }
  return new kind(ordered.buffer);
}
