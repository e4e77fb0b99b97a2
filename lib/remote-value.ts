/** How often a value is read. */
interface ReadingTimes {
  /** How long a value is used before it is read anew, in ms. */
  maxAge: number;
  /** The shortest time between two reads, in ms, whether they succeed or not. */
  coolDown: number;
}

/**
 * A value that another service keeps, such as a set of keys: read when first needed, when it is old, and when a caller
 * finds that it no longer does. Callers at the same time share one read.
 */
export class RemoteValue<Value> {
  readonly #read: () => Promise<Value>;
  readonly #times: ReadingTimes;
  #value: Value | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #failure: unknown;
  #reading: Promise<void> | undefined;

  constructor(read: () => Promise<Value>, times: ReadingTimes) {
    this.#read = read;
    this.#times = times;
  }

  /** The value; an old one where it cannot be read anew. @throws what the last read threw, where there is none at all */
  async get(): Promise<Value> {
    if (this.#value === undefined || Date.now() - this.#readAt > this.#times.maxAge) await this.#refresh();
    if (this.#value === undefined) throw this.#failure;
    return this.#value;
  }

  /**
   * The value read anew, unless that was tried a moment ago.
   * @throws what the last read threw: the caller needs a newer value than the old one
   */
  async renewed(): Promise<Value> {
    await this.#refresh();
    if (this.#failure || this.#value === undefined) throw this.#failure;
    return this.#value;
  }

  async #refresh(): Promise<void> {
    if (!this.#reading && Date.now() - this.#triedAt < this.#times.coolDown) return;
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #readOnce(): Promise<void> {
    this.#triedAt = Date.now();
    try {
      this.#value = await this.#read();
      this.#readAt = Date.now();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
    }
  }
}
