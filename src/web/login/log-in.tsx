/** Exchanges a token for a session. The token is sent once and kept nowhere in the page. */
import { useRef, useState } from 'preact/hooks';
import { Failure } from '../core/api.ts';
import { t } from '../core/language.ts';
import { logIn } from '../core/session.ts';
import { Mark } from '../shell/mark.tsx';
import { LanguageAndLight } from '../shell/top-bar.tsx';
import { failureText } from '../ui/states.tsx';

function refusal(error: unknown): string {
  if (!(error instanceof Failure)) return String(error);
  return error.status === 401 ? t('tokenRefused') : failureText(error);
}

export function LogIn() {
  const input = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState('');
  const [isBusy, setBusy] = useState(false);
  const enter = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setSaid('');
    try {
      await logIn(input.current!.value.trim());
    } catch (error) {
      setBusy(false);
      setSaid(refusal(error));
      input.current?.select();
    }
  };
  return (
    <main class="log-in" id="main">
      <div class="log-in-tools">
        <LanguageAndLight />
      </div>
      <form class="log-in-form" onSubmit={enter}>
        <Mark />
        <h1>
          <span lang="zh">守井人</span> <span lang="en">Wellkeeper</span>
        </h1>
        <p>{t('logInIntro')}</p>
        <label class="field">
          <span class="field-label">{t('token')}</span>
          <input
            ref={input}
            type="password"
            name="token"
            autoComplete="current-password"
            required
            aria-describedby="log-in-said"
            aria-invalid={said !== ''}
          />
        </label>
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? t('loggingIn') : t('logIn')}
        </button>
        <p id="log-in-said" class="log-in-said" role="alert">
          {said}
        </p>
        <p class="hint">{t('tokenHint')}</p>
      </form>
      <p class="log-in-foot">{t('motto')}</p>
    </main>
  );
}
