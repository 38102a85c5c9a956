/** The way to what a list doesn't show yet. */
import { t } from '../core/language.ts';

export function More({ show }: { show: () => void }) {
  return (
    <p class="more">
      <button type="button" onClick={show}>
        {t('showMore')}
      </button>
    </p>
  );
}
