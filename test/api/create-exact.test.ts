import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Call, Reply } from "../support/api.ts";
import { minimal, newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";
import { storeAttribute, storedItem, storedText, storedValue } from "../support/table.ts";

let tenant: Tenant;

const create = (body: unknown, call: Call = {}): Promise<Reply> =>
  tenant.call("POST", "/software_deployments", { body, ...call });

beforeAll(async () => {
  tenant = await newTenant();
});

describe("create: exact input_values", () => {
  const levels = (count: number): string => `${'{"a":'.repeat(count - 1)}{}${"}".repeat(count - 1)}`;

  // Where the text differs from what was sent, it is the same JSON: integer-like keys first, as in every JavaScript
  // object.
  it.each([
    ['{"a":""}'],
    ["{}"],
    ['{"list":[],"object":{},"null":null,"nested":[null,{"b":null}]}'],
    ['{"emoji":"😀","nul":"\\u0000","control":"\\u0001\\u001f","delete":"\u007f","line":"\u2028"}'],
    ['{"z":1,"a":2,"10":3}', '{"10":3,"z":1,"a":2}'],
    ['{"constructor":{"name":"x"},"prototype":1,"toString":null}'],
    ['{"nested":{"\\u005f_proto__x":1}}'],
    ['{"z":1,"\\\\":1}'],
    ['{"z":1,"\\n":1}'],
    ['{"n":9007199254740993}'],
    ['{"n":-123456789012345678901234567890.123456789}'],
    ['{"n":[1e400,0.1,1.50,5e-324,1e-400,1e2,1.0,-0,-0.0,1E20,100000000000000000000,0,-1]}'],
    ['{"lone":"\\ud800"}'],
    [levels(60)],
    [levels(64)],
  ])("input_values come back exactly: %s", async (text, same = text) => {
    const reply = await create(`{"config_id":"c","server_id":"s","input_values":${text}}`);
    expect(reply.status).toBe(200);
    expect(/"input_values":(.*),"action"/s.exec(reply.text)?.[1]).toBe(same);
    const item = await storedItem(tenant.project, reply.json.software_deployment.id);
    expect(storedText(item, "input_values")).toBe(same);
  });

  it("a number beyond a double's exact range keeps its digits, also next to another field", async () => {
    const reply = await create(
      '{"config_id":"c","server_id":"s","input_values":{"a":9007199254740993,"b":9007199254740992,"c":1.10}}',
    );
    expect(reply.text).toContain('"a":9007199254740993,"b":9007199254740992,"c":1.10');
  });

  it.each([
    ['{"a":[{"__proto__":{"polluted":true}}]}', "__proto__"],
    ['{"\\u005f_proto__":null}', "__proto__"],
    ['{"constructor":{"prototype":{"polluted":true}}}', "constructor"],
    ['{"x":{"__proto__":{"polluted":true}},"x":1.0}', "__proto__"],
  ])("a key that could pollute a prototype is refused by name: %s", async (text, key) => {
    const bodies = [
      `{"config_id":"c","server_id":"s","input_values":${text}}`,
      `[{"config_id":"c","server_id":"s","input_values":${text}}]`,
      // A number that is read once more does not open a way around the parser.
      `{"config_id":"c","server_id":"s","input_values":${text},"n":9007199254740993}`,
    ];
    for (const body of bodies) expectFault(await create(body), 400, key);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it("a stored value with such a key is still shown", async () => {
    const { id } = await tenant.deploy({ input_values: { a: 1 } });
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    await storeAttribute(tenant.project, id, "input_values", text);
    const reply = await tenant.call("GET", `/software_deployments/${id}`);
    expect(reply.text).toContain(`"input_values":${text},`);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it("any object comes back as it was sent", async () => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
    // What JSON cannot hold, such as -0, does not get as far as the service; some keys are refused.
    const sent = objects
      .map((value) => JSON.parse(JSON.stringify(value)))
      .filter((value) => !/"(__proto__|constructor)":/.test(JSON.stringify(value)));
    await fc.assert(
      fc.asyncProperty(sent, async (input_values) => {
        const reply = await create(minimal({ input_values }));
        expect(reply.json.software_deployment.input_values).toStrictEqual(input_values);
        const item = await storedItem(tenant.project, reply.json.software_deployment.id);
        expect(JSON.parse(storedText(item, "input_values"))).toStrictEqual(input_values);
      }),
      { numRuns: 50 },
    );
  });

  it("values never come back larger than they were sent; a number of more than 1,000 characters is 400", async () => {
    const many = `[${Array(200_000).fill("1e20").join()}]`;
    const reply = await create(`{"config_id":"c","server_id":"s","input_values":{"a":${many}}}`);
    expect(reply.text).toContain(`"input_values":{"a":${many}}`);
    const long = (count: number) =>
      `{"config_id":"c","server_id":"s","input_values":{"a":[${"1".repeat(count)}]}}`;
    expect((await create(long(1_000))).status).toBe(200);
    expectFault(await create(long(1_001)), 400, "input_values: holds a number of more than 1000 characters");
    expectFault(await create(`[${long(5)},${long(90_000)}]`), 400, "1.input_values");
  });

  it("large values, stored compressed, come back as they were sent", async () => {
    const input_values = { script: "echo hello\n".repeat(50_000) };
    const reply = await create(minimal({ input_values }));
    expect(reply.json.software_deployment.input_values).toEqual(input_values);
    const item = await storedItem(tenant.project, reply.json.software_deployment.id);
    expect(storedValue(item, "input_values")).toBeInstanceOf(Uint8Array);
    expect(JSON.parse(storedText(item, "input_values"))).toEqual(input_values);
  });
});
