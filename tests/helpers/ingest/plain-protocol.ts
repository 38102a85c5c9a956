/** The plainest protocol over a bare connection, for tests of the listener alone: `@ADDRESS,PASSWORD,KIND,PART,TEXT,CHECK\n`. */
import type { Framer, Heading, StreamProtocol } from '#ingest/codecs/stream.ts';

export interface PlainFrame {
  address?: string;
  password?: string;
  kind?: Heading['kind'];
  /** `joins/number/total`. */
  part?: string;
  text?: string;
  isSound?: boolean;
}

const checkOf = (body: string) => String([...body].reduce((sum, letter) => (sum + letter.charCodeAt(0)) % 1000, 0));

export function plainFrame(frame: PlainFrame = {}): string {
  const { address = 'A1', password = 'pw', kind = 'report', part = '', text = 'x', isSound = true } = frame;
  const body = [address, password, kind, part, text].join(',');
  return `@${body},${isSound ? checkOf(body) : 'wrong'}\n`;
}

export const plainProtocol: StreamProtocol = {
  framer: plainFramer,
  heading(frame: Uint8Array) {
    const fields = Buffer.from(frame).toString().slice(1, -1).split(',');
    const [address = '', password = '', kind, part = '', text = ''] = fields;
    const [joins, number, total] = part.split('/');
    return {
      address: address === '' ? null : address,
      password,
      kind: kind as Heading['kind'],
      part: joins && number && total ? { joins, number: Number(number), total: Number(total) } : null,
      repeatKey: text,
      isSound: fields.at(-1) === checkOf(fields.slice(0, -1).join(',')),
    };
  },
  answer(frames, outcome) {
    const texts = Buffer.from(frames)
      .toString()
      .trimEnd()
      .split('\n')
      .map((one) => one.split(',')[4]);
    const word = { durable: 'ok', 'durable-stay': 'stay', incomplete: 'some', unreadable: 'bad' }[outcome];
    return Buffer.from(`${word} ${texts.join('+')}\n`);
  },
  request: ({ address }, fromMs, toMs) =>
    ['ask', 'more'].map((word) => Buffer.from(`${word} ${address} ${fromMs} ${toMs}\n`)),
  setClock: ({ address, password }, nowMs) => Buffer.from(`clock ${address} ${password} ${nowMs}\n`),
};

function plainFramer(): Framer {
  let rest = Buffer.alloc(0);
  return {
    get isWithin() {
      return rest.length > 0;
    },
    push(chunk) {
      rest = Buffer.concat([rest, chunk]);
      const found = [];
      for (;;) {
        const start = rest.indexOf('@');
        const noise = start < 0 ? rest : rest.subarray(0, start);
        if (noise.length > 0)
          found.push({ kind: 'noise' as const, head: noise.subarray(0, 256), length: noise.length });
        rest = rest.subarray(noise.length);
        const end = rest.indexOf('\n');
        if (end < 0) return found;
        found.push({ kind: 'frame' as const, bytes: rest.subarray(0, end + 1) });
        rest = rest.subarray(end + 1);
      }
    },
    end: () => (rest.length === 0 ? [] : [{ kind: 'noise', head: rest.subarray(0, 256), length: rest.length }]),
  };
}
