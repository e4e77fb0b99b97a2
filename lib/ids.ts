/** A UUID, in either case. */
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text can be the id of a stored resource: a UUID in lower case. */
export function isId(text: string): boolean {
  return UUID.test(text) && text === text.toLowerCase();
}
