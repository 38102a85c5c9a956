/**
 * Loads the built-in reference data (parameters and standards) from seeds/reference/. It belongs to the program,
 * not to an installation: the files stand beside this module whatever WK_SEEDS or the working directory is.
 */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { durationMs } from '#model/duration.ts';
import type { Conversion, Parameter, Reference } from '#model/reference.ts';
import { id } from '#model/register.ts';
import { loadStandards } from './reference-standards.ts';
import { SeedError } from './seed-error.ts';
import { readYaml, yamlFault } from './yaml-file.ts';

const DIRECTORY = fileURLToPath(new URL('./reference/', import.meta.url));

const names = z.strictObject({ zh: z.string().min(1), en: z.string().min(1) });
const span = z.tuple([z.number(), z.number()]).refine(([low, high]) => low < high, 'low must be below high');
const pair = z
  .tuple([z.number().positive(), z.number().positive()])
  .refine(([a, b]) => a < b, 'suspect must be below fail');
const conversion = z.union([
  z.number().positive(),
  z.strictObject({ factor: z.number().positive(), offset: z.number().default(0) }),
]);
const parametersFile = z.strictObject({
  units: z.record(z.string(), z.record(z.string(), conversion)),
  parameters: z.array(
    z.strictObject({
      id,
      name: names,
      unit: z.string().min(1),
      units: z.string(),
      as: z.record(z.string(), z.number().positive()).optional(),
      aliases: z.array(z.string().min(1)),
      mean: z.enum(['arithmetic', 'ph', 'geometric']).default('arithmetic'),
      multiple: z.boolean().default(true),
      detectionLimit: z.number().positive().optional(),
      qc: z.strictObject({
        fail: span.optional(),
        suspect: span.optional(),
        ratePerHour: pair.optional(),
        spike: pair.optional(),
        flat: z
          .strictObject({
            tolerance: z.number().positive(),
            suspect: z.string(),
            fail: z.string(),
            still: span.optional(),
            afterJump: z.boolean().optional(),
          })
          .optional(),
      }),
    }),
  ),
});
type ParametersFile = z.infer<typeof parametersFile>;

/**
 * Parameters, their aliases (lower case, the ids among them) and standards.
 * @param directory the folder of parameters.yaml and standards.yaml; the package's own by default
 * @throws SeedError naming file, line, item and reason.
 */
export function loadReference(directory = DIRECTORY): Reference {
  const { parameters, aliases } = loadParameters(directory);
  return { parameters, aliases, standards: loadStandards(directory, parameters) };
}

function loadParameters(directory: string): Pick<Reference, 'parameters' | 'aliases'> {
  const file = readYaml(`${directory}/parameters.yaml`, 'reference/parameters.yaml');
  const parsed = parametersFile.safeParse(file.data);
  if (!parsed.success) throw yamlFault(file, [], null, parsed.error);
  const parameters = new Map<string, Parameter>();
  const aliases = new Map<string, string>();
  parsed.data.parameters.forEach((entry, index) => {
    const fault = (reason: string) => new SeedError(file.name, file.lineOf(['parameters', index]), entry.id, reason);
    if (parameters.has(entry.id)) throw fault('this id is defined twice');
    parameters.set(entry.id, toParameter(entry, parsed.data.units, fault));
    for (const alias of [entry.id, ...entry.aliases]) {
      const known = aliases.get(alias.toLowerCase());
      if (known !== undefined) throw fault(`alias "${alias}" already belongs to ${known}`);
      aliases.set(alias.toLowerCase(), entry.id);
    }
  });
  return { parameters, aliases };
}

function toParameter(
  entry: ParametersFile['parameters'][number],
  sets: ParametersFile['units'],
  fault: (reason: string) => SeedError,
): Parameter {
  const set = sets[entry.units];
  if (!set) throw fault(`there is no set of units called "${entry.units}"`);
  const canonical = set[entry.unit];
  if (typeof canonical !== 'number') throw fault(`unit "${entry.unit}" is no plain factor of the set "${entry.units}"`);
  const units: Parameter['units'] = {};
  for (const [spelling, to] of Object.entries(set)) {
    const { factor, offset } = typeof to === 'number' ? { factor: to, offset: 0 } : to;
    units[spelling] = toConversion(ratio(factor, canonical), ratio(offset, canonical));
  }
  const { qc } = entry;
  return {
    id: entry.id,
    name: entry.name,
    unit: entry.unit,
    units,
    ...(entry.as ? { as: entry.as } : {}),
    aliases: entry.aliases,
    mean: entry.mean,
    multiple: entry.multiple,
    ...(entry.detectionLimit !== undefined && { detectionLimit: entry.detectionLimit }),
    qc: {
      fail: qc.fail ?? null,
      suspect: qc.suspect ?? null,
      ratePerHour: qc.ratePerHour ?? null,
      spike: qc.spike ?? null,
      flat: qc.flat ? flatLine(qc.flat, fault) : null,
    },
  };
}

function flatLine(
  { suspect, fail, ...rest }: NonNullable<ParametersFile['parameters'][number]['qc']['flat']>,
  fault: (reason: string) => SeedError,
): Parameter['qc']['flat'] {
  try {
    return { ...rest, suspectMs: durationMs(suspect), failMs: durationMs(fail) };
  } catch (error) {
    throw fault((error as Error).message);
  }
}

/** 1/3600 has no exact factor but an exact divisor. */
function toConversion(factor: number, offset: number): Conversion {
  const divisor = Math.round(1 / factor);
  const isDivision = factor < 1 && Math.abs(divisor * factor - 1) < 1e-12;
  return isDivision ? { factor, offset, divisor } : { factor, offset };
}

/** Quotient of two factors without the last-bit noise of binary division, so that µg/L → mg/L is 0.001 to the bit. */
function ratio(factor: number, canonical: number): number {
  return canonical === 1 ? factor : Number((factor / canonical).toPrecision(15));
}
