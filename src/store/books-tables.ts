/** Tables of derived.db that belong to the books part; filled in by its author. */
export const booksDdl = '';
