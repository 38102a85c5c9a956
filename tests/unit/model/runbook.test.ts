/** The runbook of docs/operations.md has a section for every platform condition, and none for anything else. */
import { describe, expect, it } from 'vitest';
import { PLATFORM_CONDITIONS } from '#model/alarms/platform.ts';
import { readDocument } from '#tests/helpers/repository/documents.ts';

const LABELS = ['Means', 'See', 'Do', 'Lost', 'Users notice'];

const [, runbook = ''] = readDocument('docs/operations.md').split('\n## Runbook\n');
const sections = runbook
  .split(/\n## /)[0]!
  .split('\n### ')
  .slice(1)
  .map((text) => ({ heading: text.split('\n')[0]!, text }));

describe('the runbook', () => {
  it('has a section for every platform condition, in the order of the table', () => {
    expect(sections.map(({ heading }) => heading)).toEqual(
      Object.keys(PLATFORM_CONDITIONS).map((code) => `\`${code}\``),
    );
  });

  it.each(sections)('says of $heading all that an operator asks', ({ text }) => {
    expect([...text.matchAll(/^- \*\*(.+?)\*\*: /gm)].map((match) => match[1])).toEqual(LABELS);
    expect(text).toMatch(/\*\*Do\*\*: (1\. |as with )/);
  });
});
