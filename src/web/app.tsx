/** The frame of every page: who and where one is, whether what one sees is live, and the page itself. */
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from './core/language.ts';
import { openLive } from './core/live.ts';
import { followLinks, type Page, place, query } from './core/route.ts';
import { resumeSession, session, sessionFailure } from './core/session.ts';
import { readAll, startWatch, watchState } from './core/watch.ts';
import { LogIn } from './login/log-in.tsx';
import { OverviewPage } from './overview/page.tsx';
import { NobodyBanner } from './shell/nobody-banner.tsx';
import { PAGE_WORDS } from './shell/page-words.ts';
import { StaleBanner } from './shell/stale-banner.tsx';
import { TopBar } from './shell/top-bar.tsx';
import { Loading, Trouble } from './ui/states.tsx';

/** What isn't needed for the first view is loaded when it is gone to. */
const LATER: Record<Exclude<Page, 'overview'>, () => Promise<{ default: ComponentType }>> = {
  stations: () => import('./station/page.tsx'),
  alarms: () => import('./alarms/page.tsx'),
  rules: () => import('./rules/page.tsx'),
  volumes: () => import('./volumes/page.tsx'),
  gateways: () => import('./gateways/page.tsx'),
  assessment: () => import('./assessment/page.tsx'),
};
export function App() {
  useEffect(() => {
    document.addEventListener('click', followLinks);
    return () => document.removeEventListener('click', followLinks);
  }, []);
  if (session.value) return <Inside />;
  if (session.value === null) return <LogIn />;
  return (
    <main class="waiting" id="main">
      {sessionFailure.value ? (
        <Trouble failure={sessionFailure.value} retry={() => void resumeSession()} />
      ) : (
        <Loading />
      )}
    </main>
  );
}

function Inside() {
  const main = useRef<HTMLElement>(null);
  const { page, id } = place.value;
  useEffect(() => {
    watchState.value = 'loading';
    void readAll();
    const ends = [startWatch(), openLive()];
    return () => {
      for (const end of ends) end();
    };
  }, []);
  const title = `${t(PAGE_WORDS[page])}${id === null ? '' : ` · ${id}`} – ${t('productName')}`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {t('skip')}
      </button>
      <TopBar />
      <StaleBanner />
      <NobodyBanner />
      <main id="main" ref={main} tabIndex={-1}>
        <Body page={page} />
      </main>
    </>
  );
}

function Body({ page }: { page: Page }) {
  const state = watchState.value;
  if (state === 'loading') return <Loading tall />;
  if (state !== 'ready') return <Trouble failure={state} retry={() => void readAll()} />;
  return page === 'overview' ? <OverviewPage /> : <LaterPage key={page} page={page} />;
}

function LaterPage({ page }: { page: Exclude<Page, 'overview'> }) {
  const [shown, setShown] = useState<{ Page: ComponentType } | 'failed' | null>(null);
  // Pages read the address themselves; this makes them be drawn again when it changes.
  void query.value;
  useEffect(() => {
    LATER[page]().then(
      (module) => setShown({ Page: module.default }),
      () => setShown('failed'),
    );
  }, [page]);
  if (shown === null) return <Loading tall />;
  if (shown === 'failed') {
    return (
      <div class="trouble" role="alert">
        <p>{t('newVersion')}</p>
        <button type="button" onClick={() => location.reload()}>
          {t('again')}
        </button>
      </div>
    );
  }
  return <shown.Page />;
}
