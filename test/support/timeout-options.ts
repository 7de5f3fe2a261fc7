/** A module that serves as options of a run. */
export const timeoutMs = 5000;
