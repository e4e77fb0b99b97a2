import { createExampleConfig } from "../openapi/example-config.ts";
import type { Serverless } from "../serverless/framework.ts";
import { emulatorEnvironment, issuerEnvironment, stageEnvironment } from "./environment.ts";
import { storageOptions } from "./options.ts";
import { openStorage, type Storage } from "./storage.ts";

/**
 * Completes a stage for a run on this machine, through the functions' environment alone: an emulator with the deployed
 * tables, unless one is configured (`AWS_ENDPOINT_URL_DYNAMODB`), the examples' configuration in it, a key for links, and an issuer of tokens unless the
 * stage has one. Log lines hold no metrics, which nobody would read here.
 * @param origins the service's own origins, which the emulator does not refuse
 * @returns the storage, which ends with this process
 */
export async function completeStage({ service }: Serverless, origins: string[] = []): Promise<Storage> {
  const { environment, stage } = service.provider;
  const storage = await openStorage(await storageOptions(), stage, origins);
  process.once("exit", () => void storage.close());
  await createExampleConfig(storage.endpoint, stage);
  Object.assign(environment, emulatorEnvironment(storage.endpoint), await stageEnvironment(stage));
  environment.METRICS_NAMESPACE = "";
  if (!environment.TOKEN_ISSUER && !environment.KEYSTONE_AUTH_URL)
    Object.assign(environment, await issuerEnvironment());
  return storage;
}
