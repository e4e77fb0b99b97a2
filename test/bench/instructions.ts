/**
 * Instructions of a request, counted by valgrind: a figure that no load and no clock can touch. It runs
 * `instructions-run.cjs` with few and with many requests; the difference is what a request takes.
 */
