/** What this browser remembers between visits; a browser that remembers nothing is fine. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`wellkeeper.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`wellkeeper.${key}`, value);
  } catch {
    // Private windows and full storage: the choice then holds until the page is closed.
  }
}
