/**
 * Placeholders of a channel's templates: `{{name}}` and nothing else. No expressions, no defaults, no nesting: what is
 * put in is never read as a template again, so no station's name can become one.
 */

/** What a template of channel `sms` may name. */
export const PLACEHOLDERS = [
  'text',
  'to',
  'notice',
  'event',
  'severity',
  'station',
  'parameter',
  'value',
  'unit',
  'limit',
  'class',
  'time',
  'acknowledgeUrl',
  'user',
  'secret',
  'token',
] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];

const SPELLED = /\{\{([^{}]*)\}\}/g;

/** The first name that is no placeholder, or null. */
export function unknownPlaceholder(template: string): string | null {
  const names = [...template.matchAll(SPELLED)].map((match) => match[1]!.trim());
  return names.find((name) => !(PLACEHOLDERS as readonly string[]).includes(name)) ?? null;
}

/** Whether the template takes a value that is never shown. */
export function takesSecret(template: string): boolean {
  return /\{\{\s*(secret|token)\s*\}\}/.test(template);
}

/** @param harmless makes a value harmless where the template stands: in a URL, in JSON, in a header. */
export function fillIn(
  template: string,
  values: Readonly<Record<Placeholder, string>>,
  harmless: (value: string) => string,
): string {
  return template.replace(SPELLED, (whole, name: string) => {
    const value = values[name.trim() as Placeholder];
    // Half a character can't be encoded.
    return value === undefined ? whole : harmless(value.toWellFormed());
  });
}
