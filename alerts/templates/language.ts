/** What a language has to say: words and turns of phrase, no logic. One file per language; docs/channels.md lists them. */

export interface Language {
  /** Stands in every title, so that a robot's keyword filter may ask for it. */
  product: string;
  /** Names for events and severities; one that is missing is said as it is written in the notice. */
  events: Readonly<Record<string, string>>;
  severities: Readonly<Record<string, string>>;
  /** `II` or `worse` as people call it. */
  classes: Readonly<Record<string, string>>;
  labels: Readonly<
    Record<
      | 'station'
      | 'parameter'
      | 'value'
      | 'limit'
      | 'class'
      | 'multiple'
      | 'since'
      | 'ended'
      | 'by'
      | 'rule'
      | 'detail'
      | 'severity',
      string
    >
  >;
  /** Between a label and its value, and around an aside. */
  colon: string;
  aside: (text: string) => string;
  /** Between the parts of a sentence. */
  comma: string;
  /** `{ severity, event }` as the first words of a title. */
  headline: (severity: string, event: string) => string;
  multiple: (text: string) => string;
  /** A reading found late, and when it was found. */
  late: (detectedAt: string) => string;
  platform: string;
  test: string;
  /** Titles of a digest and of a summary. */
  digest: (alarms: number) => string;
  summary: (notices: number, alarms: number) => string;
  more: (hidden: number) => string;
  /** What is pressed to take an alarm over, and to look at it. */
  acknowledge: string;
  open: string;
}
