/** What each page is called. */
import type { Page } from '../core/route.ts';
import type { Word } from '../core/words.ts';

export const PAGE_WORDS: Record<Page, Word> = {
  overview: 'overview',
  stations: 'station',
  alarms: 'alarms',
  rules: 'rules',
  volumes: 'volumes',
  gateways: 'gateways',
  assessment: 'assessment',
};
