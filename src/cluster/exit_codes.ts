/**
 * The exit code of a rank that ends because another rank failed: a consequence, never the cause, and the launcher's
 * report tells the two apart by it.
 */
export const PEER_FAILURE_EXIT_CODE = 76;
