/** Pages, the live line, language, light, and who is logged in. */

import * as format from '../core/format.ts';
import { language, setLanguage, t } from '../core/language.ts';
import { line } from '../core/live.ts';
import { nowMs } from '../core/now.ts';
import { hrefOf, PAGES, place } from '../core/route.ts';
import { logOut, session } from '../core/session.ts';
import { theme, toggleTheme } from '../core/theme.ts';
import { openAlarms } from '../core/watch.ts';
import { Mark } from './mark.tsx';
import { PAGE_WORDS } from './page-words.ts';

export function TopBar() {
  const unattended = openAlarms.value.filter(({ state }) => state !== 'acknowledged').length;
  return (
    <header class="top-bar">
      <a class="brand" href="/">
        <Mark />
        <span class="brand-zh" lang="zh">
          守井人
        </span>
        <span class="brand-en" lang="en">
          Wellkeeper
        </span>
      </a>
      <nav class="pages" aria-label={t('pages')}>
        {PAGES.map((page) => (
          <a key={page} href={hrefOf(page)} aria-current={place.value.page === page ? 'page' : undefined}>
            {t(PAGE_WORDS[page])}
            {page === 'alarms' && unattended > 0 && (
              <span class="count">
                <span aria-hidden="true">{unattended}</span>
                <span class="unseen">{t('unattended', { n: unattended })}</span>
              </span>
            )}
          </a>
        ))}
      </nav>
      <div class="top-tools">
        <LiveSign />
        <LanguageAndLight />
        <a class="top-link" href="/docs" target="_blank" rel="noopener">
          API
        </a>
        <span class="who" title={session.value?.role}>
          {session.value?.name}
        </span>
        <button type="button" class="quiet" onClick={() => void logOut()}>
          {t('logOut')}
        </button>
      </div>
    </header>
  );
}

export function LanguageAndLight() {
  const isDark = theme.value === 'dark';
  return (
    <>
      <button
        type="button"
        class="quiet"
        lang={language.value === 'zh' ? 'en' : 'zh'}
        onClick={() => setLanguage(language.value === 'zh' ? 'en' : 'zh')}
      >
        {language.value === 'zh' ? 'English' : '中文'}
      </button>
      <button
        type="button"
        class="quiet light-switch"
        aria-pressed={isDark}
        onClick={toggleTheme}
        title={t('darkTheme')}
      >
        <span aria-hidden="true">{isDark ? '☾' : '☼'}</span>
        <span class="unseen">{t('darkTheme')}</span>
      </button>
    </>
  );
}

function LiveSign() {
  const { state } = line.value;
  return (
    <span class={`live-sign is-${state}`}>
      <span class="live-dot" aria-hidden="true" />
      {state === 'live' ? t('live') : state === 'lost' ? t('lost') : t('connecting')}
      <time class="live-clock">{format.clock(nowMs.value)}</time>
    </span>
  );
}
