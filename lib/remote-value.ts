/** The times between reads of a value. */
interface ReadingTimes {
  /** The age from which a value is read again, in ms. */
  maxAge: number;
  /** The shortest time between two reads, in ms, whether they succeed or not. */
  coolDown: number;
}

/**
 * A cached value from another service, such as a set of keys: read when it is first needed, when it is old, and when a
 * caller asks for a newer one. Concurrent callers share one read.
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

  /** The value; an old one if a new read fails. @throws the last read's error if there is no value at all */
  async get(): Promise<Value> {
    if (this.#value === undefined || Date.now() - this.#readAt > this.#times.maxAge) await this.#refresh();
    if (this.#value === undefined) throw this.#failure;
    return this.#value;
  }

  /**
   * The value, read again unless a read was tried within the cool-down.
   * @throws the last read's error, even if there is an old value
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
