/** Largest `data` + `metadata` of one event unless the options say otherwise: 4 MiB. */
export const defaultMaxEventBytes = 4 * 1024 * 1024
