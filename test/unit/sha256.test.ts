import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Sha256 } from "../../lib/sha256.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const digest = (secret: string | Uint8Array | undefined, ...chunks: Uint8Array[]): Promise<Uint8Array> => {
  const hash = new Sha256(secret);
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest();
};

describe("the hasher of signatures", () => {
  it("derives the signing key of AWS's published example (Signature Version 4, deriving a signing key)", async () => {
    let key: string | Uint8Array = "AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    for (const part of ["20120215", "us-east-1", "iam", "aws4_request"])
      key = await digest(key, Buffer.from(part));
    expect(hex(key as Uint8Array)).toBe("f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
  });

  it("is SHA-256, and HMAC-SHA256 with a key, however often the same key is used", async () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(bytes, bytes, bytes, async (secret, one, two) => {
        expect(hex(await digest(undefined, one, two))).toBe(
          createHash("sha256").update(one).update(two).digest("hex"),
        );
        const expected = createHmac("sha256", secret).update(one).update(two).digest("hex");
        expect(hex(await digest(secret, one, two))).toBe(expected);
        expect(hex(await digest(secret, one, two))).toBe(expected);
      }),
    );
  });

  it("begins anew with the same key", async () => {
    const hash = new Sha256(Buffer.from("key"));
    hash.update(Buffer.from("forgotten"));
    hash.reset();
    hash.update(Buffer.from("text"));
    expect(hex(await hash.digest())).toBe(createHmac("sha256", "key").update("text").digest("hex"));
  });
});
