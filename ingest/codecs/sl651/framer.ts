/** Where frames of SL 651 begin and end in a stream of bytes. */
import { type FrameShape, framerOf, type Piece, piecesIn, unhexedAs } from '../framing.ts';
import { type Frame, frameIn, HEX, isSound, measured, overhead, SYN } from './frame.ts';

const SHAPE: FrameShape = {
  startIn(bytes, from) {
    for (let at = from; at < bytes.length; at++) {
      const isHex = bytes[at] === 0x7e && (at + 1 === bytes.length || bytes[at + 1] === 0x7e);
      if (isHex || bytes[at] === 0x01) return at;
    }
    return -1;
  },
  measured,
  isSound,
  // Some count the three bytes of a packet's heading, as the standard wants, and some don't.
  slack: (bytes, at) => (bytes[at] === 0x7e && bytes[at + 13] === SYN ? 3 : 0),
  least: overhead(HEX) + 1,
};

export const framer = () => framerOf(SHAPE);

/** All that is in a payload. */
export function framesIn(payload: Uint8Array): Piece<Frame>[] {
  const isText = payload[0] === 0x37 || payload[0] === 0x30;
  return piecesIn(isText ? unhexedAs(payload, /^(?:7E7E|01)/i) : payload, SHAPE, frameIn);
}
