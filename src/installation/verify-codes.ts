/** What `npm run verify` can find, in both languages; docs/operations.md has the table with what to do. */

import type { JournalFaultCode } from '#journal/verify.ts';

interface Text {
  zh: string;
  en: string;
}

const JOURNAL_CODES: Record<JournalFaultCode, Text> = {
  'journal.format': { zh: '日志由其他版本的程序写成', en: 'the journal was written by another version of the program' },
  'journal.unreadable': { zh: '日志无法读取', en: 'the journal cannot be read' },
  'journal.hash': { zh: '日志的一个批次与写入时不同', en: 'a batch of the journal is not what was written' },
  'journal.entry': { zh: '日志条目无法读取', en: 'entries of the journal cannot be read' },
  'journal.chain': { zh: '日志的哈希链断裂', en: 'the chain of hashes of the journal is broken' },
  'journal.gap': { zh: '日志缺少条目', en: 'entries of the journal are missing' },
  'journal.time': { zh: '日志的接收时间倒退', en: 'times of the journal go back' },
  'journal.installation': { zh: '日志含有其他安装的批次', en: 'a batch of the journal is of another installation' },
};

export const VERIFY_CODES = {
  'file.missing': { zh: '文件缺失或为空', en: 'a file is missing or empty' },
  'file.damaged': { zh: '文件已损坏', en: 'a file is damaged' },
  'file.version': { zh: '文件属于其他版本的程序', en: 'a file is of another version of the program' },
  'store.mismatch': { zh: '文件不属于同一安装', en: 'files are not of one installation' },
  'files.lost': { zh: '文件彼此不符：丢失了已确认的内容', en: 'files do not fit: acknowledged content is gone' },
  'books.damaged': { zh: '账簿中的一行与写入时不同', en: 'a row of the books is not what was written' },
  'books.unequal': { zh: '水量之和与累计不符', en: 'volumes do not add up' },
  'reading.damaged': { zh: '一个读数与写入时不同', en: 'a reading is not what was written' },
  'ledger.unequal': { zh: '台账收支不符', en: 'a ledger does not add up' },
  ...JOURNAL_CODES,
} as const satisfies Record<string, Text>;

export type VerifyCode = keyof typeof VERIFY_CODES;

/** Told of each fault. */
export type Tell = (code: VerifyCode, file: string, message: string) => void;
