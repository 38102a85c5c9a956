/** Tables of derived.db that belong to the alert part; filled in by its author. */
export const alertsDdl = '';
