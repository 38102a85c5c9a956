/** Tables of derived.db that belong to the settle part; filled in by its author. */
export const settleDdl = '';
