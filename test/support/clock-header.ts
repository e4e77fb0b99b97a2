/** The request header that says by how many ms the service's clock is to be ahead (`service-clock.ts`). */
export const CLOCK_HEADER = "x-test-clock-ahead";
