/** Tables of derived.db that belong to the volume part; filled in by its author. */
export const volumeDdl = '';
