/**
 * README.md's commands work as printed. Conventions (tests/helpers/repository/documents.ts): `<!-- run -->` before a ```sh fence runs
 * it against a service on the shipped seeds; `<!-- prints -->` before the next fence is what it prints. `npm install && npm …`
 * needs no mark: the demonstration and the tests themselves are tested elsewhere.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  differences,
  fencesOf,
  missingTool,
  openSandbox,
  type Ran,
  readDocument,
  runBlocks,
  type Sandbox,
} from '#tests/helpers/repository/documents.ts';

const README = 'README.md';

describe('README.md', () => {
  const fences = fencesOf(readDocument(README));
  const blocks = runBlocks(fences);
  const runnable = blocks.filter((block) => missingTool(block) === null);
  let sandbox: Sandbox;
  let ran: Ran[] = [];

  beforeAll(async () => {
    sandbox = await openSandbox();
    ran = await sandbox.run(runnable);
  });
  afterAll(() => sandbox.remove());

  it('says of every shell block whether it is a test', () => {
    const shell = fences.filter(({ language }) => /^(sh|bash|console)$/.test(language));
    const isInstallation = (text: string) => text.split('\n').every((line) => /^(npm install && npm |$)/.test(line));
    const unsaid = shell.filter(
      ({ marker, text }) => !/^(run|not run: .+)$/.test(marker ?? '') && !isInstallation(text),
    );
    expect(unsaid.map(({ line }) => `line ${line}`)).toEqual([]);
  });

  for (const block of blocks) {
    const missing = missingTool(block);
    it.skipIf(missing !== null)(`runs line ${block.line}${missing === null ? '' : ` (${missing})`}`, () => {
      const result = ran[runnable.indexOf(block)]!;
      expect(result, result.stderr).toMatchObject({ isReached: true, isDone: true });
      const { prints } = block;
      if (prints) expect(differences({ ...prints, text: sandbox.adapted(prints.text) }, result.stdout)).toEqual([]);
    });
  }
});
