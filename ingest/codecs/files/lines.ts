/** Bytes, in pieces of any size, to numbered lines. No more than one line and one piece are held. */
import type { Encoding } from './encoding.ts';
import { FileUnreadable } from './file-problem.ts';

export interface Line {
  /** 1-based, as an editor counts. */
  number: number;
  text: string;
}

/** Characters of one line. */
const LINE_MAX = 65_536;

export class LineFeed {
  readonly #decoder: InstanceType<typeof TextDecoder>;
  readonly #encoding: Encoding;
  #rest = '';
  #number = 0;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
    // A byte order mark is taken off by the decoder.
    this.#decoder = new TextDecoder(encoding, { fatal: true });
  }

  /** @throws FileUnreadable for bytes that are no text in this encoding, and for lines beyond 65,536 characters. */
  push(bytes: Uint8Array): Line[] {
    return this.#take(this.#rest + this.#decode(bytes, true), false);
  }

  end(): Line[] {
    return this.#take(this.#rest + this.#decode(new Uint8Array(0), false), true);
  }

  #decode(bytes: Uint8Array, stream: boolean): string {
    try {
      return this.#decoder.decode(bytes, { stream });
    } catch {
      const line = this.#number + 1;
      throw new FileUnreadable(
        {
          zh: `第 ${line} 行之后有不属于 ${this.#encoding} 的字节；请用 encoding 说明编码。`,
          en: `After line ${line} there are bytes that are no ${this.#encoding}; say with \`encoding\` what the file is in.`,
        },
        line,
      );
    }
  }

  #take(text: string, isEnd: boolean): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (const found of text.matchAll(/\r\n|\n|\r/g)) {
      // The line feed of this carriage return may come with the next bytes.
      if (found[0] === '\r' && found.index === text.length - 1 && !isEnd) break;
      lines.push(this.#line(text.slice(start, found.index)));
      start = found.index + found[0].length;
    }
    this.#rest = text.slice(start);
    if (isEnd && this.#rest !== '') {
      lines.push(this.#line(this.#rest));
      this.#rest = '';
    }
    if (this.#rest.length > LINE_MAX) this.#line(this.#rest);
    return lines;
  }

  #line(text: string): Line {
    this.#number += 1;
    if (text.length > LINE_MAX) {
      throw new FileUnreadable(
        {
          zh: `第 ${this.#number} 行超过 ${LINE_MAX} 个字符。`,
          en: `Line ${this.#number} is longer than ${LINE_MAX} characters.`,
        },
        this.#number,
        'message.too-large',
      );
    }
    return { number: this.#number, text };
  }
}
