/** The cells of an XLSX workbook as its XML has them, read without the library that wrote it. */
import { zipEntries } from './zip-entries.ts';

interface WorkbookCell {
  /** `s` = string, `n` = number; `f` where there is a formula. */
  type: string;
  value: string;
  /** Of its number format; empty for the general one. */
  format: string;
}

export interface WorkbookSheet {
  name: string;
  xml: string;
  rows: WorkbookCell[][];
}

export function workbookSheets(archive: Buffer): WorkbookSheet[] {
  const files = zipEntries(archive);
  const strings = [...file(files, 'xl/sharedStrings.xml').matchAll(/<si>(.*?)<\/si>/gs)].map(([, item]) =>
    unescaped([...item!.matchAll(/<t[^>]*>(.*?)<\/t>/gs)].map(([, text]) => text).join('')),
  );
  const formats = formatsOf(file(files, 'xl/styles.xml'));
  const names = [...file(files, 'xl/workbook.xml').matchAll(/<sheet [^>]*name="([^"]*)"/g)].map(([, name]) => name!);
  return names.map((name, index) => {
    const xml = file(files, `xl/worksheets/sheet${index + 1}.xml`);
    const rows = [...xml.matchAll(/<row [^>]*?(?:\/>|>(.*?)<\/row>)/gs)].map(([, row = '']) =>
      cellsOf(row, strings, formats),
    );
    return { name: unescaped(name), xml, rows };
  });
}

function cellsOf(row: string, strings: readonly string[], formats: readonly string[]): WorkbookCell[] {
  const cells: WorkbookCell[] = [];
  for (const [, attributes = '', content = ''] of row.matchAll(/<c ([^>]*?)(?:\/>|>(.*?)<\/c>)/gs)) {
    const [, letters = 'A'] = /r="([A-Z]+)\d+"/.exec(attributes) ?? [];
    const index = [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
    const raw = /<v>(.*?)<\/v>/s.exec(content)?.[1] ?? '';
    const isString = attributes.includes('t="s"');
    const style = Number(/ s="(\d+)"/.exec(` ${attributes}`)?.[1] ?? 0);
    cells[index] = {
      type: content.includes('<f') ? 'f' : isString ? 's' : 'n',
      value: isString ? strings[Number(raw)]! : raw,
      format: formats[style] ?? '',
    };
  }
  return cells;
}

function formatsOf(styles: string): string[] {
  const own = new Map(
    [...styles.matchAll(/<numFmt numFmtId="(\d+)" formatCode="([^"]*)"/g)].map(([, id, code]) => [
      id!,
      unescaped(code!),
    ]),
  );
  const [, list = ''] = /<cellXfs[^>]*>(.*?)<\/cellXfs>/s.exec(styles) ?? [];
  return [...list.matchAll(/<xf [^>]*numFmtId="(\d+)"/g)].map(([, id]) => own.get(id!) ?? (id === '0' ? '' : id!));
}

function file(files: Map<string, string>, name: string): string {
  const text = files.get(name);
  if (text === undefined) throw new Error(`the workbook has no ${name}, only ${[...files.keys()].join(', ')}`);
  return text;
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
