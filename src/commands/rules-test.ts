/**
 * `npm run rules:test -- FILE…`: runs files of rule tests (docs/rules-test.md). Exit 0 = all passed; 1 = a test failed;
 * 2 = a file is wrong, or the call is.
 */

import { loadReference } from '#seeds/reference.ts';
import { SeedError } from '#seeds/seed-error.ts';
import { runRuleTests } from '#src/rule-tests/run.ts';
import { readCall, runCommand, say, UsageError } from './command.ts';

const FAILED = 1;

async function runFile(path: string, reference: ReturnType<typeof loadReference>) {
  try {
    // Read back, so that a rule that reads the other way round is seen whatever its tests expect.
    return await runRuleTests(path, path, reference, (id, { en }) => say(`RULE ${id}: ${en}`));
  } catch (error) {
    if (error instanceof SeedError) throw new UsageError(error.message);
    throw error;
  }
}

await runCommand(async () => {
  const { positionals } = readCall('npm run rules:test -- FILE…', [1, Number.MAX_SAFE_INTEGER], {});
  const reference = loadReference();
  let passed = 0;
  let failed = 0;
  for (const path of positionals) {
    for (const { name, line, differences } of await runFile(path, reference)) {
      if (differences.length === 0) {
        passed++;
        say(`PASS ${name}`);
        continue;
      }
      failed++;
      say(`FAIL ${name} (${path}:${line})`);
      for (const difference of differences) say(`  ${difference}`);
    }
  }
  say(`${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = FAILED;
});
