/** Does nothing: the time of a process alone. */
export {};
